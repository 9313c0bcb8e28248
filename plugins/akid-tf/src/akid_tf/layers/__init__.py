"""Native forms of the layers whose kernels matter, channels last."""
