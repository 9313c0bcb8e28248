"""Image files: found in folders, and read by row."""
