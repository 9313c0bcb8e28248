"""Resize: pictures of another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.warp import Method, countable
from akid_datasets.pictures.pairs import check_size
from akid_datasets.pictures.values import check_pictures, restored, with_row, working


@dataclass(frozen=True, kw_only=True)
class Resize(Augmenter):
    """Make all pictures, to train and to evaluate, of one `size`: (height, width), or one number for the shorter side.

    With one number the longer side keeps its proportion, rounded down to whole pixels. Pixels are squares: the middle
    of output pixel o lies at (o + 0.5) * in / out of the input, whose pixel i reaches from i to i + 1. `method`:
    `nearest` takes the pixel that this place lies in; `bilinear` the weighted mean of the pixels whose middles lie less
    than one pixel away, nearer ones counting more; beyond the outermost middles values stay. With `antialias`, which is
    for bilinear, "one pixel" is one of the output where that is larger, so that nothing is passed over in shrinking (as
    Pillow does it). Fields of integers other than uint8, and of truth values, take the nearest pixel.

    `fields`: each (batch, …, height, width) of any type -> the same type; uint8 is rounded half to even, once.
    """

    size: int | tuple[int, int]
    method: Method = "bilinear"
    antialias: bool = True

    def __post_init__(self) -> None:
        check_size(self.size)

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{name: self._output(spec[name]) for name in self.fields}}

    def evaluation(self) -> Self:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: self._resized(fields[name]) for name in self.fields}

    def _output(self, spec: TensorSpec) -> TensorSpec:
        height, width = (size for size in spec.shape[-2:] if isinstance(size, int))
        return with_row(spec, *spec.shape[1:-2], *size_for(self.size, height, width))

    def _resized(self, pictures: np.ndarray) -> np.ndarray:
        size = size_for(self.size, *pictures.shape[-2:])
        return resized(pictures, size, self.method, antialias=self.antialias)


def size_for(size: int | tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """The height and width that pictures of `height` and `width` are given."""
    if isinstance(size, tuple):
        return size
    return (size, size * width // height) if height <= width else (size * height // width, size)


def resized(pictures: np.ndarray, size: tuple[int, int], method: Method, *, antialias: bool) -> np.ndarray:
    """Pictures (…, height, width) of the `size`, as `Resize` says."""
    if pictures.shape[-2:] == size:
        return pictures.copy()
    if method == "nearest" or not countable(pictures.dtype):
        rows, columns = (_nearest(there, new) for there, new in zip(pictures.shape[-2:], size, strict=True))
        return pictures.take(rows, axis=-2).take(columns, axis=-1)
    values = _along_height(working(pictures), size[0], antialias)
    values = _along_height(np.ascontiguousarray(values.swapaxes(-1, -2)), size[1], antialias)
    return restored(np.ascontiguousarray(values.swapaxes(-1, -2)), pictures.dtype)


def _nearest(size: int, new: int) -> np.ndarray:
    """The pixel that the middle of each of the `new` ones lies in: floor((2 o + 1) in / (2 out)), in integers."""
    return (2 * np.arange(new) + 1) * size // (2 * new)


def _along_height(values: np.ndarray, new: int, antialias: bool) -> np.ndarray:
    """Floating values (…, height, width) with `new` rows."""
    if values.shape[-2] == new:
        return values
    pixels, weights = _taps(values.shape[-2], new, antialias)
    result = np.zeros((*values.shape[:-2], new, values.shape[-1]), values.dtype)
    for pixel, weight in zip(pixels, weights.astype(values.dtype), strict=True):
        part = values.take(pixel, axis=-2)
        part *= weight[:, np.newaxis]
        result += part
    return result


def _taps(size: int, new: int, antialias: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels make up each of the `new` ones, and how much each counts: both (taps, new); the weights sum to 1."""
    reach = max(1.0, size / new) if antialias else 1.0
    middles = (np.arange(new) + 0.5) * size / new
    first = np.ceil(middles - 0.5 - reach).astype(np.int64)
    pixels = first + np.arange(int(2 * reach) + 1)[:, np.newaxis]
    weights = np.maximum(0.0, 1 - np.abs(pixels + 0.5 - middles) / reach)
    weights[(pixels < 0) | (pixels >= size)] = 0.0
    return np.clip(pixels, 0, size - 1), weights / weights.sum(axis=0)
