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
    """TensorFlow's fused kernel for rows whose labels are indices, and all count alike.

    logits: (batch, classes). labels: (batch,) -> values (batch,), not a number where a label names no class, and
    weights (batch,), all one.
    """

    uniform = True

    def __call__(self, context: Context, logits: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = tf.cast(logits, context.wide(logits.dtype.name))
        labels = tf.cast(labels, tf.int64)
        named = tf.bitcast(labels, tf.uint64) < logits.shape[1]  # one below 0 becomes a very large one
        value = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(named, labels, 0), logits)
        # A sum of equal shapes: the smallest backward pass there is.
        missing = tf.where(named, tf.zeros([], value.dtype), tf.constant(math.nan, value.dtype))
        return tf.add_n([value, missing]), tf.ones_like(value)


def build(layer: SoftmaxCrossEntropy, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The fused kernel in the usual case; it gains nothing where weights, smoothing or sequences come in."""
    logits, labels, *mask = in_specs
    weighed = mask or layer.class_weights is not None or layer.ignore_index is not None
    if weighed or layer.smoothing or labels.floating or logits.rank > 2:
        return portable(layer, in_specs, context)
    return Built(SparseCrossEntropy(layer), {})
