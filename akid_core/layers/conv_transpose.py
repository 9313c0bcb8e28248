"""Transposed convolution: the gradient of a convolution by its input, as a layer."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from operator import mul
from typing import ClassVar

from akid_core.layers.checks import check_space
from akid_core.layers.conv import Convolution, correlate
from akid_core.layers.padding import Widths, each
from akid_core.layers.windows import Windows
from akid_core.ops import Ops
from akid_core.specs.layer import Array
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class ConvTranspose2d(Convolution):
    """Lay `channels` filters, each scaled by an input value, side by side and add them up: enlarges images.

    Exactly the gradient, by its image, of a `Conv2d` from `channels` to `in` channels with the same settings, whose
    weight is this one with its first two axes exchanged within each group; then the bias. The output is the smallest
    image over which that convolution has as many windows as x has places: with "valid" (size - 1) * stride + dilation *
    (kernel - 1) + 1, with numbers as `padding` less by those of both sides (rows and columns that are cut off, so that
    a smaller number at the end gives a larger image); with "same" it is the largest such image, size * stride. Source:
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.

    x: (batch, in, height, width) -> (batch, channels, rows, columns). weight: OIHW (channels, in / groups, tall, wide).
    bias: (channels,). Settings as in `Conv2d`.
    """

    space: ClassVar[int] = 2

    def windows(self, x: TensorSpec) -> Windows:
        """Where the kernel lies over the output; each window belongs to a place of the input."""
        check_space(x, self.space)
        return Windows.under(x, self.kernel, self.stride, self.padding, self.dilation)

    def _size(self, windows: Windows) -> tuple[int, ...]:
        return windows.size

    def _taps(self) -> tuple[int, int]:
        """An output meets an input at every `stride / gcd(stride, dilation)`-th place of the kernel along an axis."""
        settings = (each(value, self.space) for value in (self.kernel, self.stride, self.dilation))
        reached = (-(-size // (step // gcd(step, gap))) for size, step, gap in zip(*settings, strict=True))
        return prod(reached), prod(each(self.kernel, self.space))

    def _weighed(self, ops: Ops, x: Array, weight: Array, windows: Windows) -> Array:
        """The convolution, with flipped filters and a stride of 1, of x with `stride - 1` zeros after each place."""
        spread = tuple(map(mul, windows.out, windows.stride))
        terms = zip(windows.size, windows.reach, windows.widths, spread, strict=True)
        widths = tuple((reach - 1 - before, size + before - there) for size, reach, (before, _), there in terms)
        for axis in range(2, 2 + self.space):
            weight = ops.flip(weight, axis)
        dense = Windows(spread, windows.kernel, (1,) * self.space, windows.dilation, widths)
        return correlate(ops, _surrounded(ops, _spread(ops, x, windows), widths), weight, dense, self.groups)


def _spread(ops: Ops, x: Array, windows: Windows) -> Array:
    """x with `stride - 1` zeros after each place: (batch, in, *space * stride)."""
    channels, spread = x.shape[1], map(mul, windows.out, windows.stride)
    apart = [number for places in windows.out for number in (places, 1)]
    gaps = [sides for step in windows.stride for sides in ((0, 0), (0, step - 1))]
    return ops.reshape(
        ops.pad(ops.reshape(x, (-1, channels, *apart)), ((0, 0), (0, 0), *gaps)), (-1, channels, *spread)
    )


def _surrounded(ops: Ops, x: Array, widths: Widths) -> Array:
    """x with zeros around its space; a negative width cuts off instead."""
    added = [(max(before, 0), max(after, 0)) for before, after in widths]
    cut = [slice(max(-before, 0), min(after, 0) or None) for before, after in widths]
    return ops.pad(x, ((0, 0), (0, 0), *added))[(slice(None), slice(None), *cut)]
