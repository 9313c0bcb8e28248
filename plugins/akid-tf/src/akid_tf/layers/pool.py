"""Pooling, channels last."""

from __future__ import annotations

import numpy as np

from akid_core.backends.contract import Built
from akid_core.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class LiveMaxPool2d(LiveLayer):
    """`tf.nn.max_pool2d`: padding never wins, and the gradient goes to the first maximum."""

    layout = Layout.CHANNELS_LAST

    def __init__(self, layer: MaxPool2d, x: TensorSpec) -> None:
        super().__init__(layer)
        self.windows = layer.windows(x)

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        windows = self.windows
        padding = [(0, 0), *windows.widths, (0, 0)] if np.any(windows.widths) else "VALID"
        return tf.nn.max_pool2d(x, windows.kernel, windows.stride, padding)


class LiveAvgPool2d(LiveLayer):
    """`tf.nn.avg_pool2d` over zeros around the image, each mean then taken over the values that it really saw."""

    layout = Layout.CHANNELS_LAST

    def __init__(self, layer: AvgPool2d, x: TensorSpec) -> None:
        super().__init__(layer)
        self.windows = layer.windows(x)
        self.share = layer.counts(x)[:, :, None] / np.prod(self.windows.kernel)

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        windows = self.windows
        if not np.any(windows.widths):
            return tf.nn.avg_pool2d(x, windows.kernel, windows.stride, "VALID")
        padded = tf.pad(x, [(0, 0), *windows.widths, (0, 0)])
        return tf.nn.avg_pool2d(padded, windows.kernel, windows.stride, "VALID") / tf.constant(self.share, x.dtype)


class LiveGlobalAvgPool2d(LiveLayer):
    """The mean over both axes of space."""

    layout = Layout.CHANNELS_LAST

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(x, [1, 2])


def build_max(layer: MaxPool2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Maximum pooling, native."""
    return Built(LiveMaxPool2d(layer, *in_specs), {})


def build_average(layer: AvgPool2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Average pooling, native."""
    return Built(LiveAvgPool2d(layer, *in_specs), {})


def build_global_average(layer: GlobalAvgPool2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Global average pooling, native."""
    return Built(LiveGlobalAvgPool2d(layer), {})
