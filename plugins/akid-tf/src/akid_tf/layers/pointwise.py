"""Layers that treat every element alike, in whichever layout their inputs lie."""

from __future__ import annotations

from akid_core.backends.contract import Built, Place
from akid_core.layers import LeakyReLU, PReLU, ReLU, ReLU6
from akid_core.specs.context import Context
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_tf.layers.axis import lying
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class Pointwise(LiveLayer):
    """A layer that treats every element alike: its portable definition holds in either layout."""

    layout = Layout.EITHER


class LiveReLU(Pointwise):
    """`tf.nn.relu`, whose gradient is one operation, 0 at 0."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x)


class LiveReLU6(Pointwise):
    """`tf.nn.relu6`, whose gradient is one operation, 0 at 0 and at 6."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu6(x)


class LiveLeakyReLU(Pointwise):
    """`tf.nn.leaky_relu`, whose gradient is one operation, the slope at 0."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.leaky_relu(x, self.layer.negative_slope)


class LivePReLU(Pointwise):
    """The portable definition, with the slopes along the channels as they lie."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        rank, slope = len(x.shape), context.params["slope"]
        if not self.layer.shared:
            along = lying(1, rank, context)
            slope = tf.reshape(slope, [-1 if axis == along else 1 for axis in range(rank)])
        return tf.where(x > 0, x, x * slope)


def build(layer: Layer, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Any layer without parameters that treats every element alike."""
    return Built(Pointwise(layer), {})


def build_relu(layer: ReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A rectifier, native."""
    return Built(LiveReLU(layer), {})


def build_relu6(layer: ReLU6, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A rectifier with a ceiling, native."""
    return Built(LiveReLU6(layer), {})


def build_leaky_relu(layer: LeakyReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A leaky rectifier, native but in float64: the kernel holds its slope in float32."""
    return Built((Pointwise if in_specs[0].dtype == "float64" else LiveLeakyReLU)(layer), {})


def build_prelu(layer: PReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A rectifier with learnt slopes."""
    return Built(LivePReLU(layer), {spec.name: Place(spec.name, spec.axes) for spec in context.call.params})
