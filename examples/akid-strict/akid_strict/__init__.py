"""A backend on array-api-strict, forward only: the worked example of "Write a backend"."""
