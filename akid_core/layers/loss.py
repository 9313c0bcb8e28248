"""Losses: for each row a value and how much the row counts, see `akid_core.specs.layer.Loss`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.checks import check_floating, check_labels
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy between labels and the softmax of logits: -sum over classes of label * log softmax(logits).

    `smoothing` s replaces each label by (1 - s) * label + s / classes. `class_weights`: one number for each class; a
    row counts as much as its class (with dense labels: as the mean under its labels), so the mean over the batch is
    sum(weight * value) / sum(weight). An index that names no class makes the row's value not a number, with weight 1,
    so that it stops training unless the row's sample weight is 0.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes) probabilities.
    """

    smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing <= 1:
            raise ValueError(f"smoothing is the share spread over all classes, from 0 to 1, got {self.smoothing!r}")
        if self.class_weights is not None:
            object.__setattr__(self, "class_weights", tuple(self.class_weights))
            if not self.class_weights or min(self.class_weights) < 0 or not sum(self.class_weights) > 0:
                raise ValueError(f"class_weights must be at least 0 and not all 0, got {self.class_weights!r}")

    def check(self, *inputs: TensorSpec) -> None:
        classes = check_labels(inputs)
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ValueError(f"has {len(self.class_weights)} class_weights for {classes} classes: give one for each")

    def forward(self, context: Context, logits: Array, labels: Array) -> tuple[Array, Array]:
        ops, (logit_spec, label_spec) = context.ops, context.call.in_specs
        wide, classes = context.wide(logit_spec.dtype), logit_spec.row[0]
        logits = ops.astype(logits, wide)
        # The largest logit is taken off, so that no exponential overflows.
        shifted = logits - ops.stop_gradient(ops.max(logits, axis=1, keepdims=True))
        logs = shifted - ops.log(ops.sum(ops.exp(shifted), axis=1, keepdims=True))

        indexed = not label_spec.floating
        target = ops.one_hot(labels, classes, wide) if indexed else ops.astype(labels, wide)
        smooth = target * (1.0 - self.smoothing) + self.smoothing / classes if self.smoothing else target
        value = -ops.sum(smooth * logs, axis=1)
        weight = ops.zeros_like(value) + 1.0
        if self.class_weights is not None:
            weight = ops.sum(target * ops.asarray(self.class_weights, wide), axis=1)
        if indexed:
            named = ops.logical_and(labels >= 0, labels < classes)
            value, weight = ops.where(named, value, math.nan), ops.where(named, weight, 1.0)
        return value, weight


@dataclass(frozen=True, kw_only=True)
class MeanSquaredError(Loss):
    """The square of the difference, averaged over all axes of a row.

    predictions, targets: (batch, ...) of one shape.
    """

    def check(self, *inputs: TensorSpec) -> None:
        if len(inputs) != 2:
            raise ValueError(f"takes predictions and targets, got {len(inputs)} inputs")
        predictions, targets = map(check_floating, inputs)
        if predictions.shape != targets.shape:
            raise ValueError(f"takes predictions and targets of one shape, got {predictions} and {targets}")

    def forward(self, context: Context, predictions: Array, targets: Array) -> tuple[Array, Array]:
        ops, spec = context.ops, context.call.in_specs[0]
        wide = context.wide(spec.dtype)
        difference = ops.astype(predictions, wide) - ops.astype(targets, wide)
        squares = difference * difference
        value = ops.mean(squares, axis=tuple(range(1, spec.rank))) if spec.rank > 1 else squares
        return value, ops.zeros_like(value) + 1.0
