"""Maxout: one value for each group of neighbouring channels."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_axis, check_floating, known_size, read_axes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Groups(Layer):
    """What maxout and its mean share: consecutive values along an axis become one."""

    group_size: int
    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)
        if self.group_size < 1:
            raise ValueError(f"group_size must be at least 1, got {self.group_size!r}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        axis = check_axis(check_floating(x), self.axis)
        size = known_size(x, axis)
        if size % self.group_size:
            raise ValueError(f"{size} values along axis {axis} of {x} do not fall into groups of {self.group_size}")
        return x.with_shape(*x.shape[:axis], size // self.group_size, *x.shape[axis + 1 :], axes=x.axes)

    def grouped(self, context: Context, x: Array) -> tuple[Array, int]:
        """The input with each group along an axis of its own, and that axis."""
        spec = context.call.in_specs[0]
        axis = check_axis(spec, self.axis)
        groups = (known_size(spec, axis) // self.group_size, self.group_size)
        return context.ops.reshape(x, (*x.shape[:axis], *groups, *x.shape[axis + 1 :])), axis + 1


@dataclass(frozen=True, kw_only=True)
class Maxout(Groups):
    """The largest of each `group_size` consecutive values along an axis (1: channels).

    Of equal ones the first takes the gradient. Source: Goodfellow et al., "Maxout networks", 2013.

    x: (batch, ..., size, ...) -> (batch, ..., size / group_size, ...).
    """

    def forward(self, context: Context, x: Array) -> Array:
        values, axis = self.grouped(context, x)
        return context.ops.max(values, axis=axis)


@dataclass(frozen=True, kw_only=True)
class MeanOut(Groups):
    """The mean of each `group_size` consecutive values along an axis (1: channels).

    x: (batch, ..., size, ...) -> (batch, ..., size / group_size, ...).
    """

    def forward(self, context: Context, x: Array) -> Array:
        values, axis = self.grouped(context, x)
        return context.ops.mean(values, axis=axis)
