"""What is measured of files before and after a conversion: one module a family of formats, and their worker."""
