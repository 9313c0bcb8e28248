"""Layers that give parts of their input along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from akid_core.layers.checks import check_axis, known_size, read_axes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Split(Layer):
    """Cut along an axis (1: channels) into parts, each an output of its own: `split`, `split:1`, `split:2` and so on.

    `parts`: how many, all of one size; or the size of each, together that of the axis.

    x: (batch, ...) -> as many outputs as there are parts, each (batch, ...).
    """

    parts: int | tuple[int, ...]
    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)
        if not isinstance(self.parts, int):
            object.__setattr__(self, "parts", tuple(self.parts))
        numbers = (self.parts,) if isinstance(self.parts, int) else self.parts
        if not numbers or min(numbers) < 1:
            raise ValueError(f"parts is a number of parts or the size of each, all at least 1, got {self.parts!r}")

    def sizes(self, x: TensorSpec) -> tuple[int, ...]:
        """The size of each part of such an input."""
        size = known_size(x, check_axis(x, self.axis))
        if isinstance(self.parts, int):
            if size % self.parts:
                raise ValueError(f"{size} values along axis {self.axis} do not fall into {self.parts} equal parts")
            return (size // self.parts,) * self.parts
        if sum(self.parts) != size:
            raise ValueError(
                f"parts {self.parts} are {sum(self.parts)} values together, and axis {self.axis} of {x} has {size}"
            )
        return self.parts

    def outputs(self, x: TensorSpec) -> tuple[TensorSpec, ...]:
        axis = check_axis(x, self.axis)
        return tuple(_resized(x, axis, size) for size in self.sizes(x))

    def forward(self, context: Context, x: Array) -> tuple[Array, ...]:
        spec = context.call.in_specs[0]
        before, sizes = (slice(None),) * check_axis(spec, self.axis), self.sizes(spec)
        return tuple(x[(*before, slice(end - size, end))] for end, size in zip(accumulate(sizes), sizes, strict=True))


@dataclass(frozen=True, kw_only=True)
class Slice(Layer):
    """Every `step`-th value along an axis (1: channels) from `start` on, up to and without `stop`.

    Negative positions count from the end; `stop` left out is the end.

    x: (batch, ...) -> (batch, ...) with fewer values along the axis.
    """

    axis: int = 1
    start: int = 0
    stop: int | None = None
    step: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)
        if self.step < 1:
            raise ValueError(f"step must be at least 1, got {self.step!r}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        axis = check_axis(x, self.axis)
        size = known_size(x, axis)
        for name, position in (("start", self.start), ("stop", size if self.stop is None else self.stop)):
            if not -size <= position <= size:
                raise ValueError(f"{name} {position} lies outside axis {axis} of {x}, which has {size} values")
        left = len(range(size)[self.start : self.stop : self.step])
        if not left:
            raise ValueError(f"leaves nothing of axis {axis} of {x}: from {self.start} to before {self.stop}")
        return _resized(x, axis, left)

    def forward(self, context: Context, x: Array) -> Array:
        before = (slice(None),) * check_axis(context.call.in_specs[0], self.axis)
        return x[(*before, slice(self.start, self.stop, self.step))]


def _resized(x: TensorSpec, axis: int, size: int) -> TensorSpec:
    return x.with_shape(*x.shape[:axis], size, *x.shape[axis + 1 :], axes=x.axes)
