"""Losses whose kernels matter."""

from __future__ import annotations

import math

from akid_core.backends.contract import Built
from akid_core.layers import SoftmaxCrossEntropy
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.live import BuildContext, LiveLayer, portable
from akid_tf.runtime import tf


class SparseCrossEntropy(LiveLayer):
    """TensorFlow's fused kernel for labels that are indices; one that names no class makes its row not a number.

    logits: (batch, classes). labels: (batch,) -> values (batch,) and weights (batch,), all one.
    """

    def __call__(self, context: Context, logits: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = tf.cast(logits, context.wide(logits.dtype.name))
        named = tf.logical_and(labels >= 0, labels < logits.shape[1])
        value = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(named, labels, 0), logits)
        # A sum of equal shapes: the smallest backward pass there is.
        missing = tf.where(named, tf.zeros([], value.dtype), tf.constant(math.nan, value.dtype))
        return tf.add_n([value, missing]), tf.ones_like(value)


def build(layer: SoftmaxCrossEntropy, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The fused kernel in the simple case; smoothing, class weights and probabilities by the portable definition."""
    if layer.smoothing or layer.class_weights is not None or in_specs[1].dtype not in ("int32", "int64"):
        return portable(layer, in_specs, context)
    return Built(SparseCrossEntropy(layer), {})
