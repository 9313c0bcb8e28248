"""Losses whose kernels matter."""

from __future__ import annotations

import math

from akid_core.backends.contract import Built
from akid_core.layers import SoftmaxCrossEntropy
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class SparseCrossEntropy(LiveLayer):
    """The usual case in the fewest operations: labels are indices, and all count alike.

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


class LiveCrossEntropy(LiveLayer):
    """Every other case, by the fused kernels: of indices, or of probabilities, which smoothing makes of indices."""

    def __call__(
        self, context: Context, logits: tf.Tensor, labels: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        layer, classes = self.layer, logits.shape[-1]
        wide = context.wide(logits.dtype.name)
        logits = tf.cast(logits, wide)
        if labels.dtype.is_floating:
            labels = tf.cast(labels, wide)
            values = tf.nn.softmax_cross_entropy_with_logits(self._smooth(labels, classes), logits)
        else:
            labels = tf.cast(labels, tf.int64)
            named = tf.where((labels >= 0) & (labels < classes), labels, 0)
            if layer.smoothing:
                smooth = self._smooth(tf.one_hot(named, classes, dtype=wide), classes)
                values = tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
            else:
                values = tf.nn.sparse_softmax_cross_entropy_with_logits(named, logits)
        value, weight = layer.weighed(context.ops, wide, values, labels, mask, classes)
        return value, weight

    def _smooth(self, labels: tf.Tensor, classes: int) -> tf.Tensor:
        share = self.layer.smoothing
        return labels * (1 - share) + share / classes if share else labels


def build(layer: SoftmaxCrossEntropy, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    logits, labels, *mask = in_specs
    weighed = mask or layer.class_weights is not None or layer.ignore_index is not None
    usual = not weighed and not layer.smoothing and not labels.floating and logits.rank == 2
    return Built(SparseCrossEntropy(layer) if usual else LiveCrossEntropy(layer), {})
