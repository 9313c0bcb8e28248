"""Attention, with TensorFlow's own softmax."""

from __future__ import annotations

import math

from akid_core.backends.contract import Built, Place
from akid_core.layers.attention import LOWEST, MultiHeadAttention
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class LiveAttention(LiveLayer):
    """The portable definition around products without a transpose and a softmax of one operation."""

    layer: MultiHeadAttention

    def __call__(self, context: Context, *inputs: tf.Tensor) -> tf.Tensor:
        layer = self.layer
        if context.training and layer.dropout:
            return layer.forward(context, *inputs)
        query, key, value = (
            layer.split(context, layer.project(context, name, x))
            for name, x in zip(("query", "key", "value"), layer.sources(inputs), strict=True)
        )
        scores = tf.matmul(query, key, transpose_b=True) * (1.0 / math.sqrt(layer.size(context.call.in_specs[0])))
        scores = tf.cast(scores, context.wide(scores.dtype.name))
        allowed = layer.allowed(context, scores, inputs)
        if allowed is None:
            weights = tf.nn.softmax(scores)
        else:
            weights = tf.where(allowed, tf.nn.softmax(tf.where(allowed, scores, LOWEST)), tf.zeros([], scores.dtype))
        return layer.project(context, "output", layer.join(context, tf.matmul(tf.cast(weights, value.dtype), value)))


def build(layer: MultiHeadAttention, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(LiveAttention(layer), {spec.name: Place(spec.name) for spec in context.call.params})
