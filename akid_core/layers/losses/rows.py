"""From positions to rows: what losses over more than one number in a row share."""

from __future__ import annotations

from akid_core.ops import Ops
from akid_core.specs.layer import Array


def ones_like(ops: Ops, x: Array) -> Array:
    """Ones of the shape and type of x, without a gradient."""
    return ops.zeros_like(x) + 1.0


def row_mean(ops: Ops, values: Array, rank: int) -> Array:
    """The mean over all axes of a row: (batch, ...) with `rank` axes -> (batch,)."""
    return ops.mean(values, axis=tuple(range(1, rank))) if rank > 1 else values


def by_row(ops: Ops, values: Array, weights: Array, rank: int) -> tuple[Array, Array]:
    """For each row the weighted mean of its positions and their total weight, so that no position is lost in a batch.

    values, weights: (batch, ...) with `rank` axes -> (batch,) each. A position of weight 0 has value and gradient 0,
    whatever its value was.
    """
    values = ops.where(ops.equal(weights, 0.0), 0.0, values)
    if rank == 1:
        return values, weights
    axes = tuple(range(1, rank))
    total = ops.sum(weights, axis=axes)
    return ops.sum(values * weights, axis=axes) / ops.where(ops.equal(total, 0.0), 1.0, total), total
