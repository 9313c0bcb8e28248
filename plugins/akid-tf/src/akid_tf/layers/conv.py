"""Convolution, channels last; weights lie HWIO."""

from __future__ import annotations

from akid_core.backends.contract import Built, Place
from akid_core.layers import Conv2d
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layers.windowed import Windowed
from akid_tf.live import BuildContext, portable
from akid_tf.runtime import tf


class LiveConv2d(Windowed):
    """`tf.nn.conv2d`; a convolution in groups is as many small ones."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        layer, weight, x = self.layer, context.params["weight"], self.surrounded(x)
        if layer.groups == 1:
            out = self._convolve(x, weight)
        else:
            # On the CPU kernels have no gradient for groups of every type.
            parts = zip(tf.split(x, layer.groups, axis=3), tf.split(weight, layer.groups, axis=3), strict=True)
            out = tf.concat([self._convolve(*part) for part in parts], axis=3)
        return tf.nn.bias_add(out, context.params["bias"]) if layer.bias else out

    def _convolve(self, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, weight, self.windows.stride, self.padding)


def build(layer: Conv2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A convolution, native. A dilated one runs portably: on the CPU its kernels have no gradient for every type."""
    if layer.dilation not in (1, (1, 1)):
        return portable(layer, in_specs, context)
    places = {"weight": Place("weight", "HWIO"), "bias": Place("bias")}
    return Built(LiveConv2d(layer, *in_specs), {spec.name: places[spec.name] for spec in context.call.params})
