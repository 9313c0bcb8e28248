"""Patches: rectangles in pictures, one for each row."""

from __future__ import annotations

import numpy as np


def patches(down: np.ndarray, right: np.ndarray, size: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels lie in each row's rectangle: bool (n, 1, …, height, width), for pictures of `shape`.

    `down`, `right`: (n,) its middle. `size`: (n, 2) its height and width; of an even number of pixels, the middle is
    the one behind. What sticks out is cut off.
    """
    within = []
    for middle, length, count in zip((down, right), size.T, shape[-2:], strict=True):
        first = (middle - length // 2)[:, np.newaxis]
        pixels = np.arange(count)
        within.append((first <= pixels) & (pixels < first + length[:, np.newaxis]))
    rows, columns = within
    inside: np.ndarray = rows[:, :, np.newaxis] & columns[:, np.newaxis, :]
    return inside.reshape(len(inside), *(1,) * (len(shape) - 3), *shape[-2:])
