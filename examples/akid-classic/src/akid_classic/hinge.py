"""Hinge losses in which classes count alike, or of which one lies at zero."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.ops import Array, Ops
from akid_core.specs import Loss, TensorSpec
from akid_core.specs.context import Context


@dataclass(frozen=True, kw_only=True)
class BalancedHinge(Loss):
    """max(0, 1 - target * score), where in each batch both classes count alike, however many elements each has.

    So the mean over the batch is the mean of the two classes' means. The batch are the rows that are computed together,
    a micro-batch or the part of one process; sample weights come after that.

    scores: (batch,) or (batch, units). targets: the same shape, above 0 for one class, else the other.
    """

    def check(self, scores: TensorSpec, targets: TensorSpec) -> None:
        _check(scores, targets)

    def forward(self, context: Context, scores: Array, targets: Array) -> tuple[Array, Array]:
        ops = context.ops
        scores, targets = _wide(context, scores, targets)
        positive = targets > 0.0
        value = _hinge(ops, ops.where(positive, scores, -scores))
        return _by_row(ops, value, _balanced(ops, scores, positive))


@dataclass(frozen=True, kw_only=True)
class TripodHinge(Loss):
    """For targets of 1 and -1 max(0, 1 - target * score), for targets of 0 the distance |score|.

    `balanced`: in each batch targets of 0 count together as much as the others do, as in `BalancedHinge`.

    scores: (batch,) or (batch, units). targets: the same shape, above, below or equal to 0.
    """

    balanced: bool = False

    def check(self, scores: TensorSpec, targets: TensorSpec) -> None:
        _check(scores, targets)

    def forward(self, context: Context, scores: Array, targets: Array) -> tuple[Array, Array]:
        ops = context.ops
        scores, targets = _wide(context, scores, targets)
        silent = ops.equal(targets, 0.0)
        signal = _hinge(ops, ops.where(targets > 0.0, scores, -scores))
        value = ops.where(silent, ops.abs(scores), signal)
        return _by_row(ops, value, _balanced(ops, scores, silent) if self.balanced else ops.zeros_like(scores) + 1.0)


def _hinge(ops: Ops, lead: Array) -> Array:
    return ops.maximum(ops.zeros_like(lead), 1.0 - lead)


def _balanced(ops: Ops, like: Array, first: Array) -> Array:
    """For each element one over how many of its kind, `first` or not, there are in the batch."""
    one = ops.zeros_like(like) + 1.0
    counts = [ops.sum(ops.where(kind, one, 0.0)) for kind in (first, ops.logical_not(first))]
    shares = [1.0 / ops.maximum(count, 1.0) for count in counts]
    return ops.where(first, one * shares[0], one * shares[1])


def _by_row(ops: Ops, value: Array, weight: Array) -> tuple[Array, Array]:
    """For each row the weighted mean of its elements, and their weight in all."""
    if len(value.shape) == 1:
        return value, weight
    total = ops.sum(weight, axis=1)
    return ops.sum(value * weight, axis=1) / total, total


def _wide(context: Context, scores: Array, targets: Array) -> tuple[Array, Array]:
    wide = context.wide(context.call.in_specs[0].dtype)
    return context.ops.astype(scores, wide), context.ops.astype(targets, wide)


def _check(scores: TensorSpec, targets: TensorSpec) -> None:
    if not scores.floating or scores.rank not in (1, 2) or scores.shape != targets.shape:
        raise ValueError(
            f"takes floating scores (batch,) or (batch, units) and targets alike, got {scores} and {targets}"
        )
