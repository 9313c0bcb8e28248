"""What layers over sequences (batch, steps, features) share."""

from __future__ import annotations

from akid_core.layers.checks import check_floating, known_size
from akid_core.specs.context import Context
from akid_core.specs.layer import Array
from akid_core.specs.tensor import TensorSpec


def check_sequence(x: TensorSpec) -> int:
    """The number of features of (batch, steps, features). Raises `ValueError` for anything else."""
    if check_floating(x).rank != 3:
        raise ValueError(f"needs sequences (batch, steps, features), got {x}")
    if "C" in x.axes[:-1]:
        raise ValueError(
            f"takes the features from the last axis, which is {x.axes[-1]!r} in {x} ({x.axes}): put Transpose before it"
        )
    return known_size(x, -1)


def check_mask(mask: TensorSpec, x: TensorSpec) -> None:
    """Raise `ValueError` unless the mask says for each step of `x` (batch, steps, ...) whether it is there."""
    if mask.floating or mask.shape != x.shape[:2]:
        raise ValueError(f"takes a mask of truth values or integers (batch, steps) beside {x}, got {mask}")


def truth(context: Context, mask: Array, spec: TensorSpec) -> Array:
    """A mask as truth values: an integer is true unless it is 0."""
    ops = context.ops
    return mask if spec.dtype == "bool" else ops.logical_not(ops.equal(mask, 0))
