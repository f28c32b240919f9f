"""The status as a page that people look at: one HTML file, which needs nothing from elsewhere and runs nothing."""
