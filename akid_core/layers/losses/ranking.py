"""Ranking losses: one thing must be ahead of another by a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.checks import check_floating
from akid_core.layers.labels import is_index
from akid_core.layers.losses.hinge import shortfall
from akid_core.layers.losses.rows import by_row, ones_like
from akid_core.ops import Ops
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Ranking(Loss):
    """A loss with a margin."""

    margin: float = 1.0

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise ValueError(f"margin is how far ahead is enough, at least 0, got {self.margin!r}")


@dataclass(frozen=True, kw_only=True)
class MarginRanking(Ranking):
    """max(0, margin - sign * (first - second)) for pairs of scores: the first should be ahead by `margin`.

    Where `sign` is -1, the second should. A pair counts 1; with `hard` (mining) only those that fall short of the
    margin count, and a batch without any has the value 0. A sign that is neither 1 nor -1 makes the row's value not a
    number. The derivative where the margin is just met is 0.

    first, second: (batch, ...) of one shape. sign, which may be left out: the same shape, numbers of any type.
    """

    hard: bool = False

    def check(self, first: TensorSpec, second: TensorSpec, sign: TensorSpec | None = None) -> None:
        shape = check_floating(first).shape
        if check_floating(second).shape != shape or (sign is not None and sign.shape != shape):
            given = ", ".join(str(spec) for spec in (first, second, sign) if spec is not None)
            raise ValueError(f"takes two scores, and a sign if wanted, of one shape, got {given}")

    def forward(self, context: Context, first: Array, second: Array, sign: Array | None = None) -> tuple[Array, Array]:
        ops, spec = context.ops, context.call.in_specs[0]
        wide = context.wide(spec.dtype)
        lead = ops.astype(first, wide) - ops.astype(second, wide)
        if sign is None:
            value = shortfall(ops, lead, self.margin)
        else:
            sign = ops.astype(sign, wide)
            value = shortfall(ops, lead * sign, self.margin)
            value = ops.where(ops.equal(ops.abs(sign), 1.0), value, math.nan)
        weight = ones_like(ops, lead)
        if self.hard:
            weight = ops.where(ops.equal(value, 0.0), 0.0, weight)
        return by_row(ops, value, weight, spec.rank)


@dataclass(frozen=True, kw_only=True)
class BatchRanking(Ranking):
    """A loss that compares the rows of a batch: each with the hardest of the others.

    The rows are those that are computed together: a micro-batch, or the part of one process. A row that has nobody to
    be compared with gets weight 0. Sample weights say how much a row counts, but do not keep others from being
    compared with it; a mask of 0 does.
    """

    def check(self, rows: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> None:
        batch = rows.shape[:1]
        if labels.shape != batch or not is_index(labels):
            raise ValueError(f"takes a label for each row, integers ({batch[0]},), got {labels}")
        if mask is not None and mask.shape != batch:
            raise ValueError(f"takes a mask ({batch[0]},), a number for each row, got {mask}")


@dataclass(frozen=True, kw_only=True)
class HardRanking(BatchRanking):
    """max(0, margin - (positive - negative)) for each row with the hardest row of the other label in the batch.

    For a positive row that is the negative one of the largest score, for a negative row the positive one of the
    smallest; the first of equal ones takes the gradient. Minimising it ranks positive rows above negative ones. A row
    without one of the other label has weight 0. The rows are those that are computed together: a micro-batch, or the
    part of one process. A row counts by its sample weight, but others are compared with it unless its mask is 0.

    scores: (batch,) or (batch, 1). labels: (batch,) integers, above 0 for a positive row. mask, which may be left out:
    (batch,), how much each row counts.
    """

    def check(self, scores: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> None:
        if check_floating(scores).rank != 1 and scores.shape[1:] != (1,):
            raise ValueError(f"takes one score for each row, (batch,) or (batch, 1), got {scores}")
        super().check(scores, labels, mask)

    def forward(self, context: Context, scores: Array, labels: Array, mask: Array | None = None) -> tuple[Array, Array]:
        ops, wide = context.ops, context.wide(context.call.in_specs[0].dtype)
        scores = ops.reshape(ops.astype(scores, wide), (-1,))
        count = ones_like(ops, scores) if mask is None else ops.astype(mask, wide)
        positive, taking = labels > 0, count > 0.0
        negative = ops.logical_not(positive)
        highest = _largest(ops, ops.where(ops.logical_and(negative, taking), scores, -math.inf), rank=1)
        lowest = -_largest(ops, ops.where(ops.logical_and(positive, taking), -scores, -math.inf), rank=1)
        lead = ops.where(positive, scores - highest, lowest - scores)
        return _compared(ops, lead, self.margin, count)


@dataclass(frozen=True, kw_only=True)
class TripletMargin(BatchRanking):
    """max(0, margin + farthest - nearest) for each row: those of its label should be nearer than all others.

    Distances are Euclidean; `farthest` is the largest to another row of the same label, `nearest` the smallest to one
    of another label, both within the batch; the first of equal ones takes the gradient, and that of a distance of 0 is
    0. A row without another one of its label, or without one of another label, has weight 0. The rows are those that
    are computed together: a micro-batch, or the part of one process. A row counts by its sample weight, but others are
    compared with it unless its mask is 0. Memory: batch^2 * features numbers. Source: "batch hard" in Hermans et al.,
    "In defense of the triplet loss for person re-identification", 2017.

    embeddings: (batch, features). labels: (batch,) integers. mask, which may be left out: (batch,), how much each row
    counts.
    """

    def check(self, embeddings: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> None:
        if check_floating(embeddings).rank != 2:
            raise ValueError(f"takes embeddings (batch, features), got {embeddings}")
        super().check(embeddings, labels, mask)

    def forward(
        self, context: Context, embeddings: Array, labels: Array, mask: Array | None = None
    ) -> tuple[Array, Array]:
        ops, wide = context.ops, context.wide(context.call.in_specs[0].dtype)
        embeddings = ops.astype(embeddings, wide)
        distance = _distances(ops, embeddings)
        count = ones_like(ops, embeddings[:, 0]) if mask is None else ops.astype(mask, wide)
        alike = _pairs(ops, ops.astype(labels, "int64"))
        taking = ops.reshape(count, (1, -1)) > 0.0
        positive = ops.logical_and(ops.logical_and(alike, taking), ops.logical_not(_pairs(ops, context.rows)))
        negative = ops.logical_and(ops.logical_not(alike), taking)
        farthest = _largest(ops, ops.where(positive, distance, -math.inf), rank=2)
        nearest = -_largest(ops, ops.where(negative, -distance, -math.inf), rank=2)
        return _compared(ops, nearest - farthest, self.margin, count)


def _distances(ops: Ops, rows: Array) -> Array:
    """(n, features) -> (n, n), with the gradient 0 where two rows are equal."""
    features = rows.shape[1]
    difference = ops.reshape(rows, (-1, 1, features)) - ops.reshape(rows, (1, -1, features))
    square = ops.sum(difference * difference, axis=2)
    apart = ops.logical_not(ops.equal(square, 0.0))
    return ops.where(apart, ops.sqrt(ops.where(apart, square, 1.0)), 0.0)


def _pairs(ops: Ops, values: Array) -> Array:
    """(n,) -> (n, n): whether two are equal."""
    return ops.equal(ops.reshape(values, (-1, 1)), ops.reshape(values, (1, -1)))


def _largest(ops: Ops, values: Array, rank: int) -> Array:
    """The maximum along the last of `rank` axes; minus infinity where nothing lies along it, as in an empty batch."""
    return ops.max(ops.pad(values, (*((0, 0),) * (rank - 1), (0, 1)), -math.inf), axis=rank - 1)


def _compared(ops: Ops, lead: Array, margin: float, count: Array) -> tuple[Array, Array]:
    """The values and weights of rows, both 0 for those that are infinitely ahead: there was nobody to compare with."""
    return by_row(ops, shortfall(ops, lead, margin), ops.where(ops.equal(lead, math.inf), 0.0, count), rank=1)
