"""Pooling, channels last."""

from __future__ import annotations

import math

from akid_core.backends.contract import Built
from akid_core.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layers.windowed import Windowed
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class LiveMaxPool2d(Windowed):
    """`tf.nn.max_pool2d`: padding never wins, and the gradient goes to the first maximum."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.max_pool2d(self.surrounded(x, -math.inf), self.windows.kernel, self.windows.stride, self.padding)


class LiveAvgPool2d(Windowed):
    """`tf.nn.avg_pool2d`, which does not count "SAME" padding; zeros around the image are counted out again."""

    def __init__(self, layer: AvgPool2d, x: TensorSpec) -> None:
        super().__init__(layer, x)
        self.share = layer.counts(x)[:, :, None] / math.prod(self.windows.kernel)

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        around = self.surrounded(x)
        means = tf.nn.avg_pool2d(around, self.windows.kernel, self.windows.stride, self.padding)
        return means if around is x else means / tf.constant(self.share, x.dtype)


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
