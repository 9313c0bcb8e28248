"""Layers that only arrange values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """Each row as one axis, in the row-major order of the canonical layout (channels, height, width) on every backend.

    x: (batch, ...) -> (batch, features).
    """

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x.with_shape(x.shape[0], math.prod(x.row), axes="NC")

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.reshape(x, (-1, *context.call.out_specs[0].row))


@dataclass(frozen=True, kw_only=True)
class Reshape(Layer):
    """The values of each row in another shape, in the row-major order of the canonical layout on every backend.

    `shape`: that of a row, without the batch; -1 stands for the one size that follows from the others.

    x: (batch, ...) -> (batch, *shape).
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if any(size < 1 and size != -1 for size in self.shape) or self.shape.count(-1) > 1:
            raise ValueError(f"shape holds sizes of at least 1 and at most one -1, got {self.shape}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        count, known = math.prod(x.row), math.prod(size for size in self.shape if size != -1)
        row = tuple(count // known if size == -1 else size for size in self.shape)
        if math.prod(row) != count:
            raise ValueError(f"a row of {x} has {count} values, which do not fill the shape {self.shape}")
        # What the axes mean is lost, but where nothing changes or one axis is left.
        axes = x.axes if row == x.row else "NC" if len(row) == 1 else ""
        return x.with_shape(x.shape[0], *row, axes=axes)

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.reshape(x, (-1, *context.call.out_specs[0].row))


@dataclass(frozen=True, kw_only=True)
class Transpose(Layer):
    """The axes of each row in another order: output axis k, from 1 on, is input axis `axes[k - 1]`.

    `Transpose(axes=(2, 1))` turns (batch, time, features) into (batch, features, time).

    x: (batch, ...) -> (batch, ...).
    """

    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", tuple(self.axes))
        if sorted(self.axes) != list(range(1, len(self.axes) + 1)):
            raise ValueError(
                f"axes holds each axis of a row once, counted from 1 (the batch, 0, stays in front), got {self.axes}"
            )

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if len(self.axes) != x.rank - 1:
            raise ValueError(f"axes {self.axes} order {len(self.axes)} axes, and a row of {x} has {x.rank - 1}")
        order = (0, *self.axes)
        axes = "".join(x.axes[axis] for axis in order) if x.axes else ""
        return x.with_shape(*(x.shape[axis] for axis in order), axes=axes)

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.permute_dims(x, (0, *self.axes))
