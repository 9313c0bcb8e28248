"""Cutting windows out of pictures with NumPy: whole lines at once."""

from __future__ import annotations

import numpy as np

from akid_core.data.memory import empty
from akid_datasets.pictures.window import Window


def cut(pictures: np.ndarray, window: Window, fill: np.ndarray) -> np.ndarray:
    """What `window` shows of `pictures` (n, channels, depth, height, width), as a new array.

    `fill`: (channels,), of the type of the pictures.
    """
    shown = _moved(pictures, window, fill)
    for axis, turned in ((-2, window.upside_down), (-1, window.mirrored)):
        if turned.any():
            shown[turned] = np.flip(shown[turned], axis)
    return shown


def _moved(pictures: np.ndarray, window: Window, fill: np.ndarray) -> np.ndarray:
    """The same before anything is turned round."""
    rows, channels, depth, height, width = pictures.shape
    size = (window.height, window.width)
    if not pictures.size or (size == (height, width) and not window.top.any() and not window.left.any()):
        return pictures.copy() if pictures.size else np.empty((rows, channels, depth, *size), pictures.dtype)
    above, below = _overhang(window.top, window.height, height)
    before, behind = _overhang(window.left, window.width, width)
    if above or below or before or behind:
        pictures = _framed(pictures, (above, below), (before, behind), fill)
    else:
        pictures = np.ascontiguousarray(pictures)
    # Every stretch of the window's width is one element of this view, so NumPy copies lines, not pixels.
    down, right = pictures.shape[-2] - window.height + 1, pictures.shape[-1] - window.width + 1
    row, channel, slice_, line, pixel = pictures.strides
    lines = np.ndarray(
        (rows, down, right, channels, depth, window.height),
        dtype=f"V{window.width * pictures.itemsize}",
        buffer=pictures,
        strides=(row, line, pixel, channel, slice_, line),
    )
    shown = lines[np.arange(rows), window.top + above, window.left + before]
    return shown.view(pictures.dtype).reshape(rows, channels, depth, *size)


def _overhang(start: np.ndarray, length: int, whole: int) -> tuple[int, int]:
    """How far the stretches reach over the edge, before the picture and behind it."""
    return max(0, -int(start.min())), max(0, int(start.max()) + length - whole)


def _framed(pictures: np.ndarray, lines: tuple[int, int], columns: tuple[int, int], fill: np.ndarray) -> np.ndarray:
    """The pictures with a frame of so many lines and columns before and behind them."""
    height, width = pictures.shape[-2:]
    framed = empty((*pictures.shape[:-2], height + sum(lines), width + sum(columns)), pictures.dtype)
    framed[...] = fill[:, np.newaxis, np.newaxis, np.newaxis]
    framed[..., lines[0] : lines[0] + height, columns[0] : columns[0] + width] = pictures
    return framed
