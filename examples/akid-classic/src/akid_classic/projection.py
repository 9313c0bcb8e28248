"""EquivariantProjection."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from akid_core.initializers import HeUniform, Initializer
from akid_core.ops import Array
from akid_core.specs import Layer, ParamSpec, TensorSpec
from akid_core.specs.context import Context


@dataclass(frozen=True, kw_only=True)
class EquivariantProjection(Layer):
    """Multiply each group of channels by a matrix of its own, at every place alike.

    `channels`: outputs of each group. `groups`: equal groups of consecutive channels.

    x: (batch, groups * in, ...) -> (batch, groups * channels, ...). weight: (groups, in, channels).
    """

    channels: int
    groups: int
    weight_init: Initializer = field(default_factory=HeUniform)

    def __post_init__(self) -> None:
        if self.channels < 1 or self.groups < 1:
            raise ValueError(
                f"channels and groups must be at least 1, got channels={self.channels} and groups={self.groups}"
            )

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if not x.floating or x.rank < 2:
            raise ValueError(f"needs floating numbers (batch, channels, ...), got {x}")
        if x.row[0] % self.groups:
            raise ValueError(f"{x.row[0]} channels do not fall into {self.groups} equal groups: change groups")
        return x.with_shape(x.shape[0], self.groups * self.channels, *x.row[1:], axes=x.axes)

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        entering = x.row[0] // self.groups
        shape = (self.groups, entering, self.channels)
        init = self.weight_init
        return (ParamSpec(name="weight", shape=shape, axes="GIO", init=init, fan_in=entering, fan_out=self.channels),)

    def forward(self, context: Context, x: Array) -> Array:
        """One matrix product for each group: (batch, groups, places, in) @ (groups, in, channels)."""
        ops, (channels, *space) = context.ops, context.call.in_specs[0].row
        grouped = ops.reshape(x, (-1, self.groups, channels // self.groups, math.prod(space)))
        out = ops.matmul(ops.permute_dims(grouped, (0, 1, 3, 2)), context.params["weight"])
        return ops.reshape(ops.permute_dims(out, (0, 1, 3, 2)), (-1, self.groups * self.channels, *space))
