"""Pooling, channels last."""

from __future__ import annotations

import math

from akid_core.backends.contract import Built
from akid_core.layers.pool import AvgPool, MaxPool
from akid_core.layers.pool_global import GlobalAvgPool, GlobalMaxPool
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layers.windowed import Windowed, with_rows
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class LiveMaxPool(Windowed):
    """`tf.nn.max_pool2d`: padding never wins, and the gradient goes to the first maximum."""

    def over(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.max_pool2d(self.surrounded(x, -math.inf), self.kernel, self.stride, self.padding)


class LiveAvgPool(Windowed):
    """`tf.nn.avg_pool2d`, which does not count "SAME" padding; zeros around the image are counted out again."""

    def __init__(self, layer: AvgPool, x: TensorSpec) -> None:
        super().__init__(layer, x)
        self.share = layer.counts(x)[..., None] / math.prod(self.kernel)

    def over(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        around = self.surrounded(x)
        means = tf.nn.avg_pool2d(around, self.kernel, self.stride, self.padding)
        return means if around is x else means / tf.constant(self.share, x.dtype)


class LiveGlobalAvgPool(LiveLayer):
    """The mean over all of space."""

    layout = Layout.CHANNELS_LAST

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(x, range(1, len(x.shape) - 1))


class LiveGlobalMaxPool(LiveLayer):
    """`tf.nn.max_pool2d` with one window: the gradient goes to the first maximum, not to all."""

    layout = Layout.CHANNELS_LAST

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return with_rows(self._largest, x)

    def _largest(self, x: tf.Tensor) -> tf.Tensor:
        places, channels = math.prod(x.shape[1:-1]), x.shape[-1]
        row = tf.reshape(x, (-1, 1, places, channels))
        return tf.reshape(tf.nn.max_pool2d(row, (1, places), 1, "VALID"), (-1, channels))


def build_max(layer: MaxPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Maximum pooling, native."""
    return Built(LiveMaxPool(layer, *in_specs), {})


def build_average(layer: AvgPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Average pooling, native."""
    return Built(LiveAvgPool(layer, *in_specs), {})


def build_global_average(layer: GlobalAvgPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Global average pooling, native."""
    return Built(LiveGlobalAvgPool(layer), {})


def build_global_max(layer: GlobalMaxPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Global maximum pooling, native."""
    return Built(LiveGlobalMaxPool(layer), {})
