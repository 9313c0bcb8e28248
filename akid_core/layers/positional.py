"""Positional embedding."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from akid_core.initializers import Initializer, Normal
from akid_core.layers.sequence import check_sequence
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec, wider


@dataclass(frozen=True, kw_only=True)
class PositionalEmbedding(Layer):
    """Add to step t of each sequence row t of a table, learned or, with `sinusoidal`, made of sines and cosines.

    sinusoidal[t, 2i] = sin(t / 10000^(2i / features)), sinusoidal[t, 2i + 1] = cos of the same. Source: Vaswani et al.,
    "Attention is all you need", 2017, section 3.5. `length`: how many steps the table serves, by default those of the
    input, which must then be a known number.

    x: (batch, steps, features) -> the same shape, steps <= length. weight: TC (length, features), where learned.
    """

    length: int | None = None
    sinusoidal: bool = False
    weight_init: Initializer = field(default_factory=lambda: Normal(stddev=0.02))

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 1:
            raise ValueError(f"length must be at least 1, got {self.length}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_sequence(x)
        steps, length = x.shape[1], self.rows(x)
        if isinstance(steps, int) and steps > length:
            raise ValueError(f"has a table for {length} steps, and {x} has {steps}: raise `length`")
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        shape = (self.rows(x), check_sequence(x))
        return () if self.sinusoidal else (ParamSpec(name="weight", shape=shape, axes="TC", init=self.weight_init),)

    def rows(self, x: TensorSpec) -> int:
        """The rows of the table. Raises `ValueError` where nothing says how many."""
        length = self.length or x.shape[1]
        if not isinstance(length, int):
            raise ValueError(f"needs `length`, the most steps that there may be, since {x} has {length!r} of them")
        return length

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        length, features = self.rows(spec), check_sequence(spec)
        if self.sinusoidal:
            table = ops.astype(ops.asarray(sinusoids(length, features), wider(spec.dtype)), spec.dtype)
        else:
            table = context.params["weight"]
        if isinstance(spec.shape[1], int):
            return x + table[: spec.shape[1]]
        # How many steps there are is known when they are there: count them.
        steps = ops.astype(ops.sum(ops.zeros_like(x), axis=(0, 2)), "float32") + 1.0
        places = ops.astype(ops.cumulative_sum(steps, axis=0) - 1.0, "int32")
        return x + ops.take(table, places, axis=0)


@lru_cache(maxsize=8)
def sinusoids(length: int, features: int) -> np.ndarray:
    """The table of sines and cosines: float64 of shape (length, features)."""
    columns = np.arange(features)
    angles = np.arange(length)[:, None] / 10000.0 ** ((columns - columns % 2) / features)
    table: np.ndarray = np.where(columns % 2 == 0, np.sin(angles), np.cos(angles))
    return table
