"""The picture engine: augmenters that move pixels and those that change values, run together in few passes."""
