"""Fully connected layer."""

from __future__ import annotations

from akid_core.backends.contract import Built, Place
from akid_core.layers import Dense
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.live import BuildContext, LiveLayer, portable
from akid_tf.runtime import tf


class LiveDense(LiveLayer):
    """One product; `bias_add` has a gradient that need not find out how the bias was broadcast."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        out = tf.matmul(x, context.params["weight"])
        return tf.nn.bias_add(out, context.params["bias"]) if self.layer.bias else out


def build(layer: Dense, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Rows of features natively; more axes by the portable definition."""
    if in_specs[0].rank != 2:
        return portable(layer, in_specs, context)
    return Built(LiveDense(layer), {spec.name: Place(spec.name) for spec in context.call.params})
