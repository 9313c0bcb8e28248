"""Embedding: a vector for each index."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from akid_core.initializers import Initializer, Normal
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Embedding(Layer):
    """Row number i of a table in the place of each index i, from 0 to below `entries`.

    The gradient of a row is the sum over all places that took it. An index that names no row gives a vector that is
    not a number, on every backend, so that it stops training and is found there. `padding_index`: an index, inside the
    table or not, such as -1, that gives zeros instead and lets no gradient through.

    indices: (batch, ...) integers -> (batch, ..., units). weight: (entries, units), each row a unit.
    """

    entries: int
    units: int
    padding_index: int | None = None
    weight_init: Initializer = field(default_factory=Normal)

    def __post_init__(self) -> None:
        for name in ("entries", "units"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def outputs(self, indices: TensorSpec) -> TensorSpec:
        if not indices.dtype.startswith(("int", "uint")):
            raise ValueError(f"takes integer indices, got {indices}: convert them in the source")
        axes = indices.axes + "C" if indices.axes and "C" not in indices.axes else ""
        return TensorSpec((*indices.shape, self.units), "float", axes)

    def params(self, indices: TensorSpec) -> tuple[ParamSpec, ...]:
        shape = (self.entries, self.units)
        return (ParamSpec(name="weight", shape=shape, axes="OI", init=self.weight_init, fan_out=self.units),)

    def forward(self, context: Context, indices: Array) -> Array:
        ops = context.ops
        indices = ops.astype(indices, "int64")
        named = ops.logical_and(indices >= 0, indices < self.entries)
        rows = ops.take(context.params["weight"], ops.where(named, indices, 0), axis=0)
        rows = ops.where(named[..., None], rows, math.nan)
        if self.padding_index is not None:
            rows = ops.where(ops.equal(indices, self.padding_index)[..., None], 0.0, rows)
        return ops.astype(rows, context.call.out_specs[0].dtype)
