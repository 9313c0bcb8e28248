"""Cross-entropy: of one class among several, and of yes or no."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.checks import known_size
from akid_core.layers.labels import beside, check_binary, check_classes, check_ignored
from akid_core.layers.losses.rows import by_row, ones_like, row_mean
from akid_core.ops import Ops
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy between labels and the softmax of logits: -sum over classes of label * log softmax(logits).

    `smoothing` s replaces each label by (1 - s) * label + s / classes. `class_weights`: one number for each class; a
    row counts as much as its class (with dense labels: as the mean under its labels), so the mean over the batch is
    sum(weight * value) / sum(weight). With smoothing too a row counts as its own label's class, where PyTorch weighs
    each share by the class that it goes to. Labels equal to `ignore_index`, such as -1 where sequences are padded,
    count for nothing. Any other index that names no class makes the row's value not a number, with weight 1, so that
    it stops training unless the row's sample weight is 0.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes) probabilities, taken as they are,
    whatever their signs and sum. mask, which may be left out: (batch,), how much each label counts, such as 0 or 1. For
    sequences (batch, time, classes), (batch, time) and (batch, time): a row's value is the mean over its labels and its
    weight the sum of their weights, so the mean over the batch is over all labels alike. A logit of minus infinity
    takes its class out, where labels are indices without smoothing.
    """

    smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing <= 1:
            raise ValueError(f"smoothing is the share spread over all classes, from 0 to 1, got {self.smoothing!r}")
        if self.class_weights is not None:
            object.__setattr__(self, "class_weights", tuple(self.class_weights))
            if not self.class_weights or min(self.class_weights) < 0 or not sum(self.class_weights) > 0:
                raise ValueError(f"class_weights must be at least 0 and not all 0, got {self.class_weights!r}")

    def check(self, logits: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> None:
        classes = check_classes(logits, labels, mask)
        check_ignored(self.ignore_index, labels)
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ValueError(f"has {len(self.class_weights)} class_weights for {classes} classes: give one for each")

    def forward(self, context: Context, logits: Array, labels: Array, mask: Array | None = None) -> tuple[Array, Array]:
        ops, (logit_spec, label_spec, *_) = context.ops, context.call.in_specs
        wide, classes, last = context.wide(logit_spec.dtype), known_size(logit_spec, -1), logit_spec.rank - 1
        logs = log_softmax(ops, ops.astype(logits, wide), last)
        if label_spec.floating:
            labels = ops.astype(labels, wide)
            likelihood = ops.sum(labels * logs, axis=last)
        else:
            # Chosen rather than multiplied: 0 times the logarithm of a class that is taken out is no number.
            named = ops.one_hot(ops.astype(labels, "int64"), classes, "int32") > 0
            likelihood = ops.sum(ops.where(named, logs, 0.0), axis=last)
        if self.smoothing:
            likelihood = likelihood * (1.0 - self.smoothing) + ops.mean(logs, axis=last) * self.smoothing
        return self.weighed(ops, wide, -likelihood, labels, mask, classes)

    def weighed(
        self, ops: Ops, dtype: str, values: Array, labels: Array, mask: Array | None, classes: int
    ) -> tuple[Array, Array]:
        """The value and weight of each row, from the entropies of all positions, (batch,) or (batch, time).

        `values`: of type `dtype`; anything finite where an index names no class.
        """
        weights, rank = ones_like(ops, values), len(values.shape)
        if len(labels.shape) > rank:
            if self.class_weights is not None:
                weights = ops.sum(labels * ops.asarray(self.class_weights, dtype), axis=rank)
        else:
            labels = ops.astype(labels, "int64")
            named = ops.logical_and(labels >= 0, labels < classes)
            values = ops.where(named, values, math.nan)
            if self.class_weights is not None:
                of_label = ops.take(ops.asarray(self.class_weights, dtype), ops.where(named, labels, 0), axis=0)
                weights = ops.where(named, of_label, 1.0)
            if self.ignore_index is not None:
                weights = ops.where(ops.equal(labels, self.ignore_index), 0.0, weights)
        if mask is not None:
            weights = weights * ops.astype(mask, dtype)
        return by_row(ops, values, weights, rank)


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy between labels and the sigmoid of logits: -(p * y * log s(x) + (1 - y) * log(1 - s(x))).

    p is `positive_weight`: one number, or one for each place of the last axis, by which what is positive counts more.
    It scales the value, and does not enter the mean. Each element is a question of its own; a row's value is the mean
    over its axes. A label below 0 or above 1 makes the row's value not a number, so that it stops training unless the
    row's sample weight is 0.

    logits: (batch, ...). labels: the same shape, or (batch,) for logits (batch, 1); numbers from 0 to 1 of any type.
    """

    positive_weight: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.positive_weight, list | tuple):
            object.__setattr__(self, "positive_weight", tuple(self.positive_weight))
        if not self._weights or min(self._weights) < 0:
            raise ValueError(f"positive_weight must be at least 0, got {self.positive_weight!r}")

    @property
    def _weights(self) -> tuple[float, ...]:
        return self.positive_weight if isinstance(self.positive_weight, tuple) else (self.positive_weight,)

    def check(self, logits: TensorSpec, labels: TensorSpec) -> None:
        check_binary(logits, labels)
        if isinstance(self.positive_weight, tuple) and (logits.rank < 2 or len(self._weights) != logits.shape[-1]):
            raise ValueError(f"has {len(self._weights)} numbers as positive_weight, which do not fit logits {logits}")

    def forward(self, context: Context, logits: Array, labels: Array) -> tuple[Array, Array]:
        ops, (logit_spec, label_spec) = context.ops, context.call.in_specs
        wide = context.wide(logit_spec.dtype)
        logits, target = ops.astype(logits, wide), beside(ops, logit_spec, label_spec, labels, wide)
        weight = ops.asarray(self._weights, wide) if logit_spec.rank > 1 else self._weights[0]
        each = target * softplus(ops, -logits) * weight + (1.0 - target) * softplus(ops, logits)
        known = ops.logical_and(target >= 0.0, target <= 1.0)
        value = row_mean(ops, ops.where(known, each, math.nan), logit_spec.rank)
        return value, ones_like(ops, value)


def log_softmax(ops: Ops, x: Array, axis: int) -> Array:
    """The logarithm of the softmax over one axis; the largest is taken off, so that no exponential overflows."""
    shifted = x - ops.stop_gradient(ops.max(x, axis=axis, keepdims=True))
    return shifted - ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))


def softplus(ops: Ops, x: Array) -> Array:
    """log(1 + exp(x)): no exponential overflows, and the derivative is the sigmoid at 0, too."""
    positive = x > 0.0
    return ops.where(positive, x, 0.0) + ops.log(ops.exp(ops.where(positive, -x, x)) + 1.0)
