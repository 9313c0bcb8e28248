"""Clipping of the gradient by its norm."""

from __future__ import annotations

from collections.abc import Sequence

from akid_core.ops import Array, Ops


def clip_factor(ops: Ops, gradients: Sequence[Array], limit: float) -> Array:
    """What every gradient is multiplied by so that the Euclidean norm of all together is at most `limit`.

    gradients: arrays of any shapes and one type -> a 0-d array: limit / norm where the norm is larger, else exactly 1.
    """
    squares = ops.sum(gradients[0] * gradients[0])
    for gradient in gradients[1:]:
        squares = squares + ops.sum(gradient * gradient)
    return limit / ops.maximum(ops.sqrt(squares), limit)
