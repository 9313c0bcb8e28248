"""How the windows of a kernel lie over an image or a sequence.

The arithmetic of every padding is done here, once, for any number of axes of space: a backend receives explicit widths
for each side and never uses its framework's own idea of "same".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.layers.padding import Padding, Sizes, Widths, each, explicit
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over space of a known size; every tuple has an entry for each axis."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    widths: Widths

    @classmethod
    def over(cls, x: TensorSpec, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes = 1) -> Windows:
        """Windows over values of spec (batch, channels, *space). Raises `ValueError` where none fits."""
        size = x.row[1:]
        windows = cls._laid(size, kernel, stride, padding, dilation)
        if min(windows.out) < 1:
            raise ValueError(
                f"its kernel covers {_by(windows.reach)}, more than the {_noun(size)} of {_by(size)} with padding "
                f"{padding!r}: use a smaller kernel or padding='same'"
            )
        return windows

    @classmethod
    def under(cls, x: TensorSpec, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes = 1) -> Windows:
        """Windows that are as many as the places of x: over the smallest space that has so many.

        With "same" it is the largest that has, size * stride. Raises `ValueError` where padding leaves nothing of it.
        """
        count = x.row[1:]
        steps = each(stride, len(count))
        if padding == "same":
            size = tuple(number * step for number, step in zip(count, steps, strict=True))
        else:
            reach = _extent(each(kernel, len(count)), each(dilation, len(count)))
            terms = zip(count, steps, reach, explicit(padding, len(count)), strict=True)
            size = tuple((number - 1) * step + covered - sum(sides) for number, step, covered, sides in terms)
        if min(size) < 1:
            raise ValueError(f"padding {padding!r} takes away the whole {_noun(size)}: use less, or padding='same'")
        return cls._laid(size, kernel, stride, padding, dilation)

    @classmethod
    def _laid(cls, size: tuple[int, ...], kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes) -> Windows:
        kernels, strides, dilations = (each(value, len(size)) for value in (kernel, stride, dilation))
        fitted = tuple(map(same, size, _extent(kernels, dilations), strides))
        widths = fitted if padding == "same" else explicit(padding, len(size))
        return cls(size, kernels, strides, dilations, widths)

    @property
    def reach(self) -> tuple[int, ...]:
        """How far the kernel reaches along each axis: dilation * (kernel - 1) + 1."""
        return _extent(self.kernel, self.dilation)

    @property
    def out(self) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        terms = zip(self.size, self.reach, self.stride, self.widths, strict=True)
        return tuple((size + sum(sides) - reach) // step + 1 for size, reach, step, sides in terms)

    @property
    def rest(self) -> tuple[int, ...]:
        """How many places at the end of each axis, padding included, no window reaches."""
        terms = zip(self.size, self.widths, self.out, self.stride, self.reach, strict=True)
        return tuple(size + sum(sides) - (out - 1) * step - reach for size, sides, out, step, reach in terms)

    @property
    def pads(self) -> Widths:
        """The widths as `ops.pad` takes them, for (batch, channels, *space)."""
        return (0, 0), (0, 0), *self.widths

    def inside(self, axis: int) -> np.ndarray:
        """How many places each window without gaps covers along an axis, padding left out: int64 of shape (out,)."""
        starts = np.arange(self.out[axis]) * self.stride[axis] - self.widths[axis][0]
        return np.minimum(starts + self.kernel[axis], self.size[axis]) - np.maximum(starts, 0)


def same(size: int, reach: int, stride: int) -> tuple[int, int]:
    """As little padding as gives ceil(size / stride) windows; an odd one goes to the end (TensorFlow's "SAME" rule)."""
    windows = -(-size // stride)
    total = max(0, (windows - 1) * stride + reach - size)
    return total // 2, total - total // 2


def _extent(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True))


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _noun(size: tuple[int, ...]) -> str:
    """What is said of values with so many axes of space."""
    return {1: "sequence", 2: "image"}.get(len(size), "space")
