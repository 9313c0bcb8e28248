"""Layers that make images and sequences larger or add channels to them: padding and upsampling."""

from __future__ import annotations

from dataclasses import dataclass
from operator import mul
from typing import Literal

import numpy as np

from akid_core.layers.checks import check_floating, check_spatial, known_size
from akid_core.layers.padding import Around, Sizes, Widths, each, explicit, plain, read_around, read_sizes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Pad(Layer):
    """Put `value` around an image or a sequence.

    `widths`: one number for all sides; for images (vertical, horizontal) or ((top, bottom), (left, right)); for
    sequences (left, right); otherwise one entry for each axis of space.

    x: (batch, channels, *space) -> (batch, channels, *(before + space + after)).
    """

    widths: Around
    value: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", plain(self.widths))

    def around(self, x: TensorSpec) -> Widths:
        """What is added on the sides of each axis of space of the given spec."""
        space = len(check_spatial(x)) - 1
        return explicit(read_around("widths", self.widths, space), space)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        size = (before + there + after for there, (before, after) in zip(x.row[1:], self.around(x), strict=True))
        return x.with_shape(*x.shape[:2], *size, axes=x.axes)

    def forward(self, context: Context, x: Array) -> Array:
        widths = self.around(context.call.in_specs[0])
        return context.ops.pad(x, ((0, 0), (0, 0), *widths), self.value)


@dataclass(frozen=True, kw_only=True)
class PadChannels(Layer):
    """Put `before` channels of `value` before those there are, and `after` behind them.

    x: (batch, channels, ...) -> (batch, before + channels + after, ...).
    """

    before: int = 0
    after: int = 0
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.before < 0 or self.after < 0:
            raise ValueError(
                f"before and after are numbers of channels of at least 0, got {self.before!r} and {self.after!r}"
            )

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if check_floating(x).rank < 2:
            raise ValueError(f"needs (batch, channels, ...), got {x}")
        channels = self.before + known_size(x, 1) + self.after
        return x.with_shape(x.shape[0], channels, *x.shape[2:], axes=x.axes)

    def forward(self, context: Context, x: Array) -> Array:
        rest = ((0, 0),) * (context.call.in_specs[0].rank - 2)
        return context.ops.pad(x, ((0, 0), (self.before, self.after), *rest), self.value)


@dataclass(frozen=True, kw_only=True)
class Upsample(Layer):
    """Enlarge an image or a sequence by whole numbers.

    `factor`: one number, or one for each axis of space; for images (vertical, horizontal). `method`: `"nearest"`
    repeats each value; `"bilinear"` draws straight lines, along each axis, between the centres of values: the output o
    lies at (o + 0.5) / factor - 0.5 of the input, and beyond the outermost centres values stay as they are there (as
    torch with `align_corners=False` and TensorFlow 2 have it).

    x: (batch, channels, *space) -> (batch, channels, *(space * factor)).
    """

    factor: Sizes = 2
    method: Literal["nearest", "bilinear"] = "nearest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", plain(self.factor))
        if self.method not in ("nearest", "bilinear"):
            raise ValueError(f"method must be 'nearest' or 'bilinear', got {self.method!r}")

    def factors(self, x: TensorSpec) -> tuple[int, ...]:
        """By how much each axis of space of the given spec grows."""
        space = len(check_spatial(x)) - 1
        return each(read_sizes("factor", self.factor, space), space)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x.with_shape(*x.shape[:2], *map(mul, x.row[1:], self.factors(x)), axes=x.axes)

    def forward(self, context: Context, x: Array) -> Array:
        spec = context.call.in_specs[0]
        for axis, (size, factor) in enumerate(zip(spec.row[1:], self.factors(spec), strict=True), start=2):
            if factor > 1 and self.method == "nearest":
                x = _take(context, x, np.arange(size * factor) // factor, axis)
            elif factor > 1:
                x = _between(context, x, (np.arange(size * factor) + 0.5) / factor - 0.5, axis, size)
        return x


def _between(context: Context, x: Array, places: np.ndarray, axis: int, size: int) -> Array:
    """The values at places between those of x along an axis of some size; beyond its ends they are the outermost."""
    ops, spec = context.ops, context.call.in_specs[0]
    places = np.clip(places, 0, size - 1).reshape(-1, *(1,) * (spec.rank - 1 - axis))
    before = np.floor(places)
    after = np.minimum(before + 1, size - 1)
    left, right = (_take(context, x, index.ravel(), axis) for index in (before, after))
    return left * ops.asarray(1.0 - places + before, spec.dtype) + right * ops.asarray(places - before, spec.dtype)


def _take(context: Context, x: Array, indices: np.ndarray, axis: int) -> Array:
    return context.ops.take(x, context.ops.asarray(indices, "int64"), axis)
