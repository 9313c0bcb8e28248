"""Layers that run in whichever layout their inputs lie."""

from __future__ import annotations

from akid_core.backends.contract import Built
from akid_core.layers import Concat
from akid_core.specs.context import Context
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, ChannelsLastContext, LiveLayer
from akid_tf.runtime import tf


class Pointwise(LiveLayer):
    """A layer that treats every element alike: its portable definition holds in either layout."""

    layout = Layout.EITHER


class LiveReLU(LiveLayer):
    """`tf.nn.relu`, whose gradient is one operation, 0 at 0."""

    layout = Layout.EITHER

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x)


class LiveConcat(LiveLayer):
    """`tf.concat` along the axis as it lies here."""

    layout = Layout.EITHER

    def __call__(self, context: Context, *inputs: tf.Tensor) -> tf.Tensor:
        rank = len(inputs[0].shape)
        axis = self.layer.axis % rank
        if isinstance(context, ChannelsLastContext):
            axis = rank - 1 if axis == 1 else axis - 1
        return tf.concat(inputs, axis)


def build(layer: Layer, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Any layer without parameters that treats every element alike."""
    return Built(Pointwise(layer), {})


def build_relu(layer: Layer, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A rectifier, native."""
    return Built(LiveReLU(layer), {})


def build_concat(layer: Concat, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Joining, along the axis as it lies."""
    return Built(LiveConcat(layer), {})
