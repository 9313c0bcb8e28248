"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_floating, check_spatial
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Dropout(Layer):
    """In training, set each element to 0 with probability `rate` and divide the others by 1 - rate; else do nothing.

    The mask depends on (seed, path, step, row, element) alone, see `Context.keep`. Source: Srivastava et al.,
    "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    x: (batch, ...) -> the same shape.
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"rate is the share of elements set to zero, from 0 to below 1, got {self.rate!r}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return check_floating(x)

    def forward(self, context: Context, x: Array) -> Array:
        if not context.training or self.rate == 0:
            return x
        kept = 1.0 - self.rate
        return context.ops.where(self.mask(context, kept), x * (1.0 / kept), 0.0)

    def mask(self, context: Context, kept: float) -> Array:
        """What stays, each element with probability `kept`: bool of a shape that goes with the input."""
        return context.keep(kept, context.call.in_specs[0].row)


@dataclass(frozen=True, kw_only=True)
class SpatialDropout(Dropout):
    """`Dropout` of whole channels: those of an image are so alike inside that single zeros would take nothing away.

    The mask depends on (seed, path, step, row, channel) alone. Source: Tompson et al., "Efficient object localization
    using convolutional networks", 2015.

    x: (batch, channels, *space) -> the same shape.
    """

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_spatial(x)
        return x

    def mask(self, context: Context, kept: float) -> Array:
        channels, *space = context.call.in_specs[0].row
        return context.ops.reshape(context.keep(kept, (channels,)), (-1, channels, *(1 for _ in space)))
