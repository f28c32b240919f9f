"""`make demo`: the main job for real, on sample records that the project ships."""
