"""What convolution and pooling share: windows over an image, channels last."""

from __future__ import annotations

import numpy as np

from akid_core.layers import AvgPool2d, Conv2d, MaxPool2d
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import LiveLayer
from akid_tf.runtime import tf


class Windowed(LiveLayer):
    """A kernel that slides over an image.

    TensorFlow's "SAME" is the core's rule. Any other padding is put around the image first: the kernels that take
    numbers are several times slower than those that take a name.
    """

    layout = Layout.CHANNELS_LAST

    def __init__(self, layer: Conv2d | MaxPool2d | AvgPool2d, x: TensorSpec) -> None:
        super().__init__(layer)
        self.windows = layer.windows(x)
        self.padding = "SAME" if layer.padding == "same" else "VALID"

    def surrounded(self, x: tf.Tensor, value: float = 0.0) -> tf.Tensor:
        """The image with what `padding` does not say by name around it."""
        if self.padding == "SAME" or not np.any(self.windows.widths):
            return x
        return tf.pad(x, [(0, 0), *self.windows.widths, (0, 0)], constant_values=tf.constant(value, x.dtype))
