"""Data sets, augmenters and recipes for akid."""
