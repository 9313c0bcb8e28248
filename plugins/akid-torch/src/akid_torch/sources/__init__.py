"""Sources of torch."""
