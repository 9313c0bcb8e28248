"""FixedDense."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.ops import Array
from akid_core.specs import Layer, TensorSpec
from akid_core.specs.context import Context


@dataclass(frozen=True, kw_only=True)
class FixedDense(Layer):
    """Multiply the last axis by a matrix that is given, and never changes.

    `weight`: its rows, one for each input, of as many numbers as there are outputs.

    x: (batch, ..., in) -> (batch, ..., out).
    """

    weight: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        rows = tuple(tuple(row) for row in self.weight)
        if len({len(row) for row in rows}) != 1 or not rows[0]:
            raise ValueError(f"weight takes rows of equal length, got lengths {[len(row) for row in rows]}")
        object.__setattr__(self, "weight", rows)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if not x.floating or x.rank < 2 or x.shape[-1] != len(self.weight):
            raise ValueError(f"multiplies the last axis by a matrix of {len(self.weight)} rows, got {x}")
        return x.with_shape(*x.shape[:-1], len(self.weight[0]), axes=x.axes)

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.matmul(x, context.ops.asarray(self.weight, context.call.in_specs[0].dtype))
