"""Sources of akid-datasets."""
