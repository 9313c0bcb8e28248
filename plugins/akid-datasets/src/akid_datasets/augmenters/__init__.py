"""Augmenters of akid-datasets."""
