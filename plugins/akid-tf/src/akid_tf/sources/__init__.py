"""Sources of TensorFlow."""
