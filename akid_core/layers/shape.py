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
