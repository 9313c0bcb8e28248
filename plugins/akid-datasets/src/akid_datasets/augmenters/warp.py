"""Warp: pictures seen through an affine map, each through its own."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from akid_datasets.pictures.values import filling, restored
from akid_datasets.pictures.window import Fill

Method = Literal["bilinear", "nearest"]

_PIXELS = 1 << 19
"""How many pixels of a channel are moved at once, so that what is computed for each of them stays small."""


def countable(dtype: np.dtype) -> bool:
    """Whether values between two others mean something: not for classes (integers but uint8) and truth values."""
    return bool(dtype == np.uint8 or dtype.kind == "f")


def inverse_maps(angle: np.ndarray, scale: np.ndarray, shear: np.ndarray, move: np.ndarray) -> np.ndarray:
    """From places in the result to places in the picture: (n, 2, 3) float64, for (right, down, 1) in pixels.

    The map sends a place p, counted from the middle of the picture, to `scale` R K p + `move`: K shears, adding
    tan(`shear`) times down to right; R turns by `angle` against the clock. `angle`, `shear`: (n,) in radians. `scale`:
    (n,). `move`: (n, 2), right and down.
    """
    cos, sin, tan = np.cos(angle) / scale, np.sin(angle) / scale, np.tan(shear)
    back = np.empty((len(angle), 2, 3))
    back[:, 1, 0], back[:, 1, 1] = sin, cos
    back[:, 0, 0], back[:, 0, 1] = cos - tan * sin, -sin - tan * cos
    back[:, :, 2] = -(back[:, :, 0] * move[:, :1] + back[:, :, 1] * move[:, 1:])
    return back


def warp(pictures: np.ndarray, maps: np.ndarray, method: Method, fill: Fill) -> np.ndarray:
    """Each picture as seen through its map: (n, …, height, width) of any type -> the same.

    `maps`: (n, 2, 3), as `inverse_maps` gives them. The value at a place is that of the pixel it lies in, or, bilinear,
    the mean of the four pixels about it, weighted by their distance; around the picture all is `fill`. Fields of
    classes are always moved by the nearest pixel.
    """
    height, width = pictures.shape[-2:]
    planes = pictures.reshape(len(pictures), math.prod(pictures.shape[1:-2]), height, width)
    around = np.broadcast_to(filling(fill, pictures), (*pictures.shape[1:-2], 1, 1)).reshape(-1, 1, 1, 1)
    result = np.empty_like(planes, order="C")
    moved = _bilinear if method == "bilinear" and countable(pictures.dtype) else _nearest
    step = max(1, _PIXELS // (height * width))
    for first in range(0, len(planes), step):
        part = planes[first : first + step].swapaxes(0, 1)
        framed = np.empty((*part.shape[:2], height + 2, width + 2), part.dtype)  # what lies outside is its frame
        framed[...] = around
        framed[:, :, 1:-1, 1:-1] = part
        moved(framed, *_places(maps[first : first + step], height, width), result[first : first + step])
    return result.reshape(pictures.shape)


def _places(maps: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the value of each pixel comes from: down and right in the framed picture, each (n, height, width)."""
    right = np.arange(width) - (width - 1) / 2
    down = (np.arange(height) - (height - 1) / 2)[:, np.newaxis]
    x, y = (maps[:, axis, :, np.newaxis, np.newaxis] for axis in (0, 1))
    from_right = x[:, 0] * right + x[:, 1] * down + x[:, 2] + (width + 1) / 2
    from_down = y[:, 0] * right + y[:, 1] * down + y[:, 2] + (height + 1) / 2
    return np.clip(from_down, 0, height + 1, out=from_down), np.clip(from_right, 0, width + 1, out=from_right)


def _nearest(framed: np.ndarray, down: np.ndarray, right: np.ndarray, result: np.ndarray) -> None:
    places = _flat(framed, np.floor(down + 0.5), np.floor(right + 0.5))
    for channel, plane in enumerate(framed):
        result[:, channel] = plane.reshape(-1).take(places)


def _bilinear(framed: np.ndarray, down: np.ndarray, right: np.ndarray, result: np.ndarray) -> None:
    kind = np.promote_types(framed.dtype, np.float32)
    above, left = (np.minimum(np.floor(place), size) for place, size in zip((down, right), _sizes(framed), strict=True))
    places = _flat(framed, above, left)
    share_below, share_right = (down - above).astype(kind), (right - left).astype(kind)
    row = framed.shape[-1]
    for channel, plane in enumerate(framed):
        pixels = plane.reshape(-1)
        upper, lower = (
            _mean(pixels.take(places + offset), pixels.take(places + offset + 1), share_right) for offset in (0, row)
        )
        result[:, channel] = restored(_mean(upper, lower, share_below), framed.dtype)


def _mean(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Between two values; equal ones stay what they are, to the bit."""
    mean: np.ndarray = one + (other - one.astype(share.dtype)) * share
    return mean


def _sizes(framed: np.ndarray) -> tuple[int, int]:
    """The last place, down and right, that has another beyond it."""
    return framed.shape[-2] - 2, framed.shape[-1] - 2


def _flat(framed: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Places in a channel of all pictures as one line: int64 (n, height, width)."""
    _, count, height, width = framed.shape
    rows = np.arange(count).reshape(-1, 1, 1) * height
    places: np.ndarray = (rows + down.astype(np.int64)) * width + right.astype(np.int64)
    return places
