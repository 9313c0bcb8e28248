"""akid on TensorFlow: the backend and its native layers."""
