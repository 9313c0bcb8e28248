"""Pooling: one value for each window of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from akid_core.layers.checks import check_image
from akid_core.layers.padding import Padding, Pair, Windows, explicit, pair, read_padding, read_pair
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Pool2d(Layer):
    """What the poolings share.

    `kernel`: one number or (vertical, horizontal). `stride`: left out, the kernel, so that windows do not overlap.
    `padding`: as in `Conv2d`, but on each side less than the kernel, so that every window sees the image.

    x: (batch, channels, height, width) -> (batch, channels, rows, columns).
    """

    kernel: Pair
    stride: Pair | None = None
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", read_pair("kernel", self.kernel))
        if self.stride is not None:
            object.__setattr__(self, "stride", read_pair("stride", self.stride))
        object.__setattr__(self, "padding", read_padding(self.padding))
        if self.padding != "same":
            for reach, sides in zip(pair(self.kernel), explicit(self.padding), strict=True):
                if max(sides) >= reach:
                    raise ValueError(f"padding must be less than the kernel {self.kernel}, got {self.padding!r}")

    def windows(self, x: TensorSpec) -> Windows:
        """Where the kernel lies over images of the given spec."""
        return Windows.over(x, self.kernel, self.kernel if self.stride is None else self.stride, self.padding)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x.with_shape(*x.shape[:2], *self.windows(x).out, axes="NCHW")

    def seen(self, context: Context, x: Array, value: float) -> Array:
        """The windows, each as one axis in row-major order: (batch, channels, rows, columns, tall * wide)."""
        ops, windows = context.ops, self.windows(context.call.in_specs[0])
        seen = ops.windows(ops.pad(x, windows.pads, value), windows.kernel, windows.stride, windows.dilation)
        channels = context.call.in_specs[0].row[0]
        return ops.reshape(seen, (-1, channels, *windows.out, math.prod(windows.kernel)))


@dataclass(frozen=True, kw_only=True)
class MaxPool2d(Pool2d):
    """The largest value of each window; padding never wins. The gradient goes to the first maximum in row-major order.

    Settings and shapes as in `Pool2d`.
    """

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.max(self.seen(context, x, -math.inf), axis=-1)


@dataclass(frozen=True, kw_only=True)
class AvgPool2d(Pool2d):
    """The mean of each window; padding is not counted.

    Settings and shapes as in `Pool2d`.
    """

    def forward(self, context: Context, x: Array) -> Array:
        spec = context.call.in_specs[0]
        counts = context.ops.asarray(self.counts(spec), spec.dtype)
        return context.ops.sum(self.seen(context, x, 0.0), axis=-1) / counts

    def counts(self, x: TensorSpec) -> np.ndarray:
        """How many values of the image each window sees: int64 of shape (rows, columns)."""
        windows = self.windows(x)
        rows, columns = (windows.inside(axis) for axis in (0, 1))
        return np.outer(rows, columns)


@dataclass(frozen=True, kw_only=True)
class GlobalAvgPool2d(Layer):
    """The mean of each channel over the whole image.

    x: (batch, channels, height, width) -> (batch, channels).
    """

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_image(x)
        return x.with_shape(*x.shape[:2], axes="NC")

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.mean(x, axis=(2, 3))
