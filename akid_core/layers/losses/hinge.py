"""Hinge loss: right by a margin, or linearly wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.checks import known_size
from akid_core.layers.labels import beside, check_binary, check_classes
from akid_core.layers.losses.rows import ones_like, row_mean
from akid_core.ops import Ops
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Hinge(Loss):
    """max(0, margin - lead): the lead is how far the right answer is ahead; `squared` squares it.

    Of yes or no, the lead is score * t, where t is 1 for a label of 1, and -1 for a label of 0 or -1; a row's value is
    the mean over its elements. Of classes, it is the score of the label minus the largest of the others (the first of
    equal ones takes the gradient), as in Crammer and Singer, "On the algorithmic implementation of multiclass
    kernel-based vector machines", 2001. The derivative where the margin is just met is 0. Any other label makes the
    row's value not a number, so that it stops training unless the row's sample weight is 0.

    Of yes or no: scores (batch, ...), labels of the same shape, or (batch,) for scores (batch, 1), of any type. Of
    classes: scores (batch, classes) with two classes or more, labels (batch,) integer indices.
    """

    margin: float = 1.0
    squared: bool = False

    def __post_init__(self) -> None:
        if not self.margin > 0:
            raise ValueError(f"margin is how far ahead is enough, above 0, got {self.margin!r}")

    def check(self, scores: TensorSpec, labels: TensorSpec) -> None:
        if not self.of_classes(scores, labels):
            check_binary(scores, labels)
        elif labels.floating or scores.rank != 2:
            raise ValueError(
                f"takes scores (batch, classes) with integer indices (batch,), or scores and labels of one shape, got "
                f"{scores} and {labels}"
            )
        else:
            check_classes(scores, labels)

    def of_classes(self, scores: TensorSpec, labels: TensorSpec) -> bool:
        """Whether labels name classes: they lack the last axis of the scores, which has several places."""
        return labels.rank == scores.rank - 1 and scores.shape[-1] != 1

    def forward(self, context: Context, scores: Array, labels: Array) -> tuple[Array, Array]:
        ops, (score_spec, label_spec) = context.ops, context.call.in_specs
        wide = context.wide(score_spec.dtype)
        scores = ops.astype(scores, wide)
        if self.of_classes(score_spec, label_spec):
            rank, (lead, known) = 1, _lead_of_class(ops, scores, labels, known_size(score_spec, 1))
        else:
            labels = beside(ops, score_spec, label_spec, labels, wide)
            rank, (lead, known) = score_spec.rank, _lead_of_sign(ops, scores, labels)
        behind = shortfall(ops, lead, self.margin)
        value = row_mean(ops, ops.where(known, behind * behind if self.squared else behind, math.nan), rank)
        return value, ones_like(ops, value)


def _lead_of_class(ops: Ops, scores: Array, labels: Array, classes: int) -> tuple[Array, Array]:
    """(batch, classes), (batch,) -> (batch,): the lead, and whether the label is known."""
    labels = ops.astype(labels, "int64")
    right = ops.one_hot(labels, classes, "int32") > 0
    lead = ops.sum(ops.where(right, scores, 0.0), axis=1) - ops.max(ops.where(right, -math.inf, scores), axis=1)
    return lead, ops.logical_and(labels >= 0, labels < classes)


def _lead_of_sign(ops: Ops, scores: Array, labels: Array) -> tuple[Array, Array]:
    """Of one shape: the lead, and whether the label is known, which are -1, 0 and 1."""
    return ops.where(labels > 0.0, scores, -scores), ops.equal(labels * labels, ops.abs(labels))


def shortfall(ops: Ops, lead: Array, margin: float) -> Array:
    """max(0, margin - lead), with the derivative 0 where the margin is just met."""
    return ops.maximum(ops.zeros_like(lead), margin - lead)
