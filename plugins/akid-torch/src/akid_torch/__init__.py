"""akid on PyTorch: the backend, its native layers and optimizers."""
