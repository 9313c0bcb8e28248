"""How the windows of a kernel lie over an image: kernel, stride, dilation and padding.

The arithmetic of every padding is done here, once: a backend receives explicit numbers of rows and columns for each
side and never uses its framework's own idea of "same".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.layers.checks import check_image
from akid_core.specs.tensor import TensorSpec

Pair = int | tuple[int, int]
"""One number for both directions, or (vertical, horizontal)."""

Widths = tuple[tuple[int, int], tuple[int, int]]
"""Rows and columns added on each side: ((top, bottom), (left, right))."""

Padding = str | int | tuple[int, int] | Widths
"""`"same"`, `"valid"`, one width for all sides, (vertical, horizontal), or ((top, bottom), (left, right))."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over images of a known size; every pair is (vertical, horizontal)."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    widths: Widths

    @classmethod
    def over(cls, image: TensorSpec, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = 1) -> Windows:
        """Windows over images of spec (batch, channels, height, width). Raises `ValueError` where none fits."""
        _, height, width = check_image(image)
        (tall, wide), (down, right) = extent(kernel, dilation), pair(stride)
        fitted = same(height, tall, down), same(width, wide, right)
        widths = fitted if padding == "same" else explicit(padding)
        windows = cls((height, width), pair(kernel), (down, right), pair(dilation), widths)
        if min(windows.out) < 1:
            raise ValueError(
                f"its kernel covers {tall}x{wide}, more than the image of {height}x{width} with padding {padding!r}: "
                "use a smaller kernel or padding='same'"
            )
        return windows

    @property
    def out(self) -> tuple[int, int]:
        """How many windows there are in each direction."""
        (height, width), (tall, wide), (down, right) = self.size, extent(self.kernel, self.dilation), self.stride
        vertical, horizontal = self.widths
        return (height + sum(vertical) - tall) // down + 1, (width + sum(horizontal) - wide) // right + 1

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """The widths as `ops.pad` takes them, for (batch, channels, height, width)."""
        return (0, 0), (0, 0), *self.widths

    def inside(self, axis: int) -> np.ndarray:
        """How much of the image, padding left out, each window covers along axis 0 or 1: int64 of shape (out,)."""
        starts = np.arange(self.out[axis]) * self.stride[axis] - self.widths[axis][0]
        return np.minimum(starts + self.kernel[axis], self.size[axis]) - np.maximum(starts, 0)


def same(size: int, reach: int, stride: int) -> tuple[int, int]:
    """As little padding as gives ceil(size / stride) windows; an odd one goes to the end (TensorFlow's "SAME" rule)."""
    windows = -(-size // stride)
    total = max(0, (windows - 1) * stride + reach - size)
    return total // 2, total - total // 2


def explicit(padding: Padding) -> Widths:
    """The widths of a padding that does not depend on the size of the image."""
    if isinstance(padding, str):
        return (0, 0), (0, 0)
    vertical, horizontal = (padding, padding) if isinstance(padding, int) else padding
    return pair(vertical), pair(horizontal)


def extent(kernel: Pair, dilation: Pair = 1) -> tuple[int, int]:
    """How far a kernel reaches: dilation * (kernel - 1) + 1 in each direction."""
    (tall, wide), (down, right) = pair(kernel), pair(dilation)
    return down * (tall - 1) + 1, right * (wide - 1) + 1


def pair(value: Pair) -> tuple[int, int]:
    """The two numbers of a setting that may be given as one."""
    first, second = (value, value) if isinstance(value, int) else value
    return first, second


def read_pair(name: str, value: Pair, least: int = 1) -> Pair:
    """The setting `name` as written, a list as a tuple. Raises `ValueError` unless it is one or two whole numbers."""
    numbers = (value,) if isinstance(value, int) else value
    if not isinstance(numbers, list | tuple) or not all(type(n) is int and n >= least for n in numbers):
        raise ValueError(f"{name} must be one or two whole numbers of at least {least}, got {value!r}")
    if not isinstance(value, int) and len(value) != 2:
        raise ValueError(f"{name} takes one number or (vertical, horizontal), got {value!r}")
    return value if isinstance(value, int) else (value[0], value[1])


def read_padding(value: Padding) -> Padding:
    """The setting `padding` as written, lists as tuples. Raises `ValueError` for a form that does not exist."""
    if isinstance(value, str):
        if value not in ("same", "valid"):
            raise ValueError(f"padding must be 'same', 'valid' or numbers, got {value!r}")
        return value
    if isinstance(value, int):
        return read_pair("padding", value, least=0)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"padding takes (vertical, horizontal) or ((top, bottom), (left, right)), got {value!r}")
    vertical, horizontal = (read_pair("padding", side, least=0) for side in value)
    if isinstance(vertical, int) and isinstance(horizontal, int):
        return vertical, horizontal
    return pair(vertical), pair(horizontal)
