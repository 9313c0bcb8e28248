"""Layers that take the positions along an axis apart, and put values side by side along a new one."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_axis, known_size, read_axes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Unstack(Layer):
    """Each position along an axis as an output of its own: `unstack`, `unstack:1`, `unstack:2` and so on.

    x: (batch, ...) -> as many outputs as the axis is long, each without it.
    """

    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)

    def outputs(self, x: TensorSpec) -> tuple[TensorSpec, ...]:
        axis = check_axis(x, self.axis)
        return (without(x, axis),) * known_size(x, axis)

    def forward(self, context: Context, x: Array) -> tuple[Array, ...]:
        spec = context.call.in_specs[0]
        axis = check_axis(spec, self.axis)
        before = (slice(None),) * axis
        return tuple(x[(*before, position)] for position in range(known_size(spec, axis)))


@dataclass(frozen=True, kw_only=True)
class Stack(Layer):
    """Values side by side along a new axis.

    *inputs: each (batch, ...), of one shape -> (batch, ...) with the axis, as long as there are inputs.
    """

    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)

    def outputs(self, first: TensorSpec, *others: TensorSpec) -> TensorSpec:
        for other in others:
            if (other.shape, other.dtype) != (first.shape, first.dtype):
                raise ValueError(f"stacks values of one shape and type, got {first} and {other}")
        return with_axis(first, self.axis, 1 + len(others))

    def forward(self, context: Context, *inputs: Array) -> Array:
        before = (slice(None),) * self.axis
        return context.ops.concat([x[(*before, None)] for x in inputs], self.axis)


def without(x: TensorSpec, axis: int) -> TensorSpec:
    """The spec without an axis."""
    letters = x.axes[:axis] + x.axes[axis + 1 :]
    return x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :], axes=letters)


def with_axis(x: TensorSpec, axis: int, size: int) -> TensorSpec:
    """The spec with a new axis, whose letter is T. Raises `ValueError` where it has not as many dimensions."""
    if not 0 < axis <= x.rank:
        raise ValueError(f"axis {axis} has no place in {x}")
    letters = f"{x.axes[:axis]}T{x.axes[axis:]}" if x.axes and "T" not in x.axes else ""
    return x.with_shape(*x.shape[:axis], size, *x.shape[axis:], axes=letters)
