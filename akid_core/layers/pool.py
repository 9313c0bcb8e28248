"""Pooling: one value for each window of an image or a sequence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from akid_core.layers.checks import SPACE, check_space
from akid_core.layers.padding import Padding, Sizes, each, explicit, read_padding, read_sizes
from akid_core.layers.windows import Windows
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Pool(Layer):
    """What the poolings share.

    `kernel`: one number, or one for each axis of space. `stride`: left out, the kernel, so that windows do not overlap.
    `padding`: as in `Conv2d`, but on each side less than the kernel, so that every window sees the input.

    x: (batch, channels, *space) -> (batch, channels, *windows).
    """

    space: ClassVar[int]

    kernel: Sizes
    stride: Sizes | None = None
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", read_sizes("kernel", self.kernel, self.space))
        if self.stride is not None:
            object.__setattr__(self, "stride", read_sizes("stride", self.stride, self.space))
        object.__setattr__(self, "padding", read_padding(self.padding, self.space))
        for size, sides in zip(each(self.kernel, self.space), explicit(self.padding, self.space), strict=True):
            if max(sides) >= size:
                raise ValueError(f"padding must be less than the kernel {self.kernel}, got {self.padding!r}")

    def windows(self, x: TensorSpec) -> Windows:
        """Where the kernel lies over values of the given spec."""
        check_space(x, self.space)
        return Windows.over(x, self.kernel, self.kernel if self.stride is None else self.stride, self.padding)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        size = self.windows(x).out
        return x.with_shape(*x.shape[:2], *size, axes="NC" + SPACE[self.space])

    def seen(self, context: Context, x: Array, value: float) -> Array:
        """The windows, each as one axis in row-major order: (batch, channels, *windows, places)."""
        ops, spec = context.ops, context.call.in_specs[0]
        windows = self.windows(spec)
        seen = ops.windows(ops.pad(x, windows.pads, value), windows.kernel, windows.stride, windows.dilation)
        return ops.reshape(seen, (-1, spec.row[0], *windows.out, math.prod(windows.kernel)))


@dataclass(frozen=True, kw_only=True)
class MaxPool(Pool):
    """The largest value of each window; padding never wins. The gradient goes to the first maximum in row-major order.

    Settings and shapes as in `Pool`.
    """

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.max(self.seen(context, x, -math.inf), axis=-1)


@dataclass(frozen=True, kw_only=True)
class AvgPool(Pool):
    """The mean of each window; padding is not counted.

    Settings and shapes as in `Pool`.
    """

    def forward(self, context: Context, x: Array) -> Array:
        spec = context.call.in_specs[0]
        counts = context.ops.asarray(self.counts(spec), spec.dtype)
        return context.ops.sum(self.seen(context, x, 0.0), axis=-1) / counts

    def counts(self, x: TensorSpec) -> np.ndarray:
        """How many values of the input each window sees: int64 of the shape of the windows."""
        windows = self.windows(x)
        return reduce(np.multiply.outer, (windows.inside(axis) for axis in range(self.space)))


@dataclass(frozen=True, kw_only=True)
class MaxPool1d(MaxPool):
    """The largest value of each window; padding never wins. The gradient goes to the first maximum.

    `kernel`, `stride`: one number; `stride` left out is the kernel. `padding`: `"same"`, `"valid"`, one number or
    (left, right), less than the kernel.

    x: (batch, channels, length) -> (batch, channels, positions).
    """

    space: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class MaxPool2d(MaxPool):
    """The largest value of each window; padding never wins. The gradient goes to the first maximum in row-major order.

    `kernel`, `stride`: one number or (vertical, horizontal); `stride` left out is the kernel. `padding`: as in
    `Conv2d`, but on each side less than the kernel, so that every window sees the image.

    x: (batch, channels, height, width) -> (batch, channels, rows, columns).
    """

    space: ClassVar[int] = 2


@dataclass(frozen=True, kw_only=True)
class AvgPool1d(AvgPool):
    """The mean of each window; padding is not counted.

    Settings and shapes as in `MaxPool1d`.
    """

    space: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class AvgPool2d(AvgPool):
    """The mean of each window; padding is not counted.

    Settings and shapes as in `MaxPool2d`.
    """

    space: ClassVar[int] = 2
