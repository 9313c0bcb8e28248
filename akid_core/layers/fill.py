"""Fill: one number, wherever something is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.checks import check_floating
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Fill(Layer):
    """The number `value` in the shape of its input, whose values do not matter; nothing flows back.

    It gives losses labels that no batch has: `Fill(value=1.0).on("score")` are as many ones as there are scores.

    x: (batch, ...) floating -> the same shape and type.
    """

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"value must be a finite number, got {self.value!r}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return check_floating(x)

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.zeros_like(x) + self.value
