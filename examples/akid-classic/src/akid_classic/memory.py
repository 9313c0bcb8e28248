"""Layers that treat a value as another one, their memory, was treated.

The memory is an input like any other: the same block's input at another place of the network or, as `name@-1`, a step
ago. Without it each value is its own memory, so that these are the ordinary layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.pool import MaxPool2d
from akid_core.ops import Array
from akid_core.specs import Layer, TensorSpec
from akid_core.specs.context import Context


@dataclass(frozen=True, kw_only=True)
class MemoryReLU(Layer):
    """x where the memory is above 0, else 0. No gradient flows into the memory.

    x: (batch, ...). memory: like x, or one row that serves for all -> the shape of x.
    """

    def outputs(self, x: TensorSpec, memory: TensorSpec | None = None) -> TensorSpec:
        if not x.floating:
            raise ValueError(f"needs floating numbers, got {x}")
        return _remembered(x, memory)

    def forward(self, context: Context, x: Array, memory: Array | None = None) -> Array:
        return context.ops.where((x if memory is None else memory) > 0.0, x, 0.0)


@dataclass(frozen=True, kw_only=True)
class MemoryMaxPool2d(MaxPool2d):
    """Of each window the value where the memory has its first maximum. No gradient flows into the memory.

    Settings as in `MaxPool2d`. x: (batch, channels, height, width). memory: like x, or one row that serves for all ->
    (batch, channels, rows, columns).
    """

    def outputs(self, x: TensorSpec, memory: TensorSpec | None = None) -> TensorSpec:
        return super().outputs(_remembered(x, memory))

    def forward(self, context: Context, x: Array, memory: Array | None = None) -> Array:
        ops = context.ops
        places = ops.argmax(self.seen(context, x if memory is None else memory, -math.inf), axis=-1)
        depth = math.prod(self.windows(context.call.in_specs[0]).kernel)
        # Chosen rather than multiplied: beside the maximum zero times infinity would be no number.
        chosen = ops.one_hot(places, depth, "int32") > 0
        return ops.sum(ops.where(chosen, self.seen(context, x, 0.0), 0.0), axis=-1)


def _remembered(x: TensorSpec, memory: TensorSpec | None) -> TensorSpec:
    if memory is not None and (memory.shape[1:], memory.dtype) != (x.shape[1:], x.dtype):
        raise ValueError(f"needs a memory like its first input {x}, got {memory}")
    return x
