"""The sign of each number, in the portable operations."""

from __future__ import annotations

from akid_core.ops import Array, Ops


def sign(ops: Ops, x: Array) -> Array:
    """1, -1, or 0 for a number that is 0; not a number stays what it is."""
    return ops.where(x > 0.0, ops.zeros_like(x) + 1.0, ops.where(x < 0.0, ops.zeros_like(x) - 1.0, x))
