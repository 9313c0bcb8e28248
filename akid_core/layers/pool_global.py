"""Global pooling: one value for each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from akid_core.layers.checks import check_space
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class GlobalPool(Layer):
    """What the global poolings share. x: (batch, channels, *space) -> (batch, channels)."""

    space: ClassVar[int]

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_space(x, self.space)
        return x.with_shape(*x.shape[:2], axes="NC")

    @property
    def along(self) -> tuple[int, ...]:
        """The axes of space."""
        return tuple(range(2, 2 + self.space))


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPool(GlobalPool):
    """The mean of each channel over all of space."""

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.mean(x, axis=self.along)


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPool(GlobalPool):
    """The largest value of each channel; the gradient goes to the first maximum in row-major order."""

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.max(x, axis=self.along)


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPool1d(GlobalAvgPool):
    """The mean of each channel over the whole sequence.

    x: (batch, channels, length) -> (batch, channels).
    """

    space: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPool2d(GlobalAvgPool):
    """The mean of each channel over the whole image.

    x: (batch, channels, height, width) -> (batch, channels).
    """

    space: ClassVar[int] = 2


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPool1d(GlobalMaxPool):
    """The largest value of each channel in the whole sequence; the gradient goes to the first maximum.

    x: (batch, channels, length) -> (batch, channels).
    """

    space: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPool2d(GlobalMaxPool):
    """The largest value of each channel in the whole image; the gradient goes to the first maximum in row-major order.

    x: (batch, channels, height, width) -> (batch, channels).
    """

    space: ClassVar[int] = 2
