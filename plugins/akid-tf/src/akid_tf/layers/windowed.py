"""What convolution and pooling share: windows over images, channels last."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from akid_core.layers.conv import Convolution
from akid_core.layers.pool import Pool
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import LiveLayer
from akid_tf.runtime import tf


class Windowed(LiveLayer):
    """A kernel that slides over an image; a sequence is an image of one row.

    TensorFlow's "SAME" is the core's rule. Any other padding is put around the image first: the kernels that take
    numbers are several times slower than those that take a name. `kernel`, `stride`, `dilation`, `out`:
    (vertical, horizontal).
    """

    layout = Layout.CHANNELS_LAST

    def __init__(self, layer: Convolution | Pool, x: TensorSpec) -> None:
        super().__init__(layer)
        windows = self.windows = layer.windows(x)
        self.flat = layer.space == 1
        self.kernel, self.stride, self.dilation = map(self._image, (windows.kernel, windows.stride, windows.dilation))
        self.out = self._image(windows.out)
        self.padding = "SAME" if layer.padding == "same" else "VALID"

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return with_rows(lambda x: self._called(context, x), x)

    def _called(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.squeeze(self.over(context, x[:, None]), 1) if self.flat else self.over(context, x)

    def over(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        """What comes of an image (batch, height, width, channels)."""
        raise NotImplementedError

    def surrounded(self, x: tf.Tensor, value: float = 0.0) -> tf.Tensor:
        """The image with what `padding` does not say by name around it."""
        if self.padding == "SAME" or not np.any(self.windows.widths):
            return x
        widths = ((0, 0), *self.windows.widths) if self.flat else self.windows.widths
        return tf.pad(x, [(0, 0), *widths, (0, 0)], constant_values=tf.constant(value, x.dtype))

    def _image(self, setting: tuple[int, ...]) -> tuple[int, ...]:
        return (1, *setting) if self.flat else setting


def with_rows(run: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """`run(x)`; where x is known to have no rows, one of zeros stands in.

    Without rows kernels give wrong shapes and arbitrary gradients, and that of maximum pooling ends the process.
    """
    if x.shape[0] != 0:
        return run(x)
    return run(tf.pad(x, [(0, 1)] + [(0, 0)] * (len(x.shape) - 1)))[:0]
