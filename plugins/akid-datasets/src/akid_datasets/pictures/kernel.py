"""The compiled kernel: windows are cut and values looked up in one pass. Imports numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit


def _cut_and_look_up(
    pictures: np.ndarray,
    top: np.ndarray,
    left: np.ndarray,
    upside_down: np.ndarray,
    mirrored: np.ndarray,
    fill: np.ndarray,
    table: np.ndarray | None,
    shown: np.ndarray,
) -> None:
    """Write what a window shows of `pictures` (n, channels, depth, height, width) into `shown`, likewise.

    `top`, `left`: (n,) int64, `upside_down`, `mirrored`: (n,) bool, as in `Window`. `fill`: (channels,), of the type
    of the pictures. `table`: (n or 1, channels or 1, 256), the entry for each uint8; None: values stay as they are.
    """
    rows, channels, depth, height, width = pictures.shape
    high, wide = shown.shape[3], shown.shape[4]
    for row in range(rows):
        begin = min(max(-left[row], 0), wide)  # columns `begin` to `end` of the window lie inside of the picture
        end = max(min(width - left[row], wide), begin)
        count = end - begin
        for channel in range(channels):
            if table is not None:
                entries = table[row if table.shape[0] > 1 else 0, channel if table.shape[1] > 1 else 0]
                blank = entries[fill[channel]]
            else:
                blank = fill[channel]
            for plane in range(depth):
                for y in range(high):
                    target = shown[row, channel, plane, high - 1 - y if upside_down[row] else y]
                    line = top[row] + y
                    if line < 0 or line >= height or count < wide:
                        target[:] = blank
                    if line < 0 or line >= height:
                        continue
                    # Two loops from 0 on, each over a slice of its own: so the compiler leaves out tests of indices.
                    source = pictures[row, channel, plane, line, left[row] + begin : left[row] + end]
                    if mirrored[row]:
                        inside = target[wide - end : wide - begin]
                        for x in range(count):
                            value = source[count - 1 - x]
                            inside[x] = value if table is None else entries[value]
                    else:
                        inside = target[begin:end]
                        for x in range(count):
                            value = source[x]
                            inside[x] = value if table is None else entries[value]


def _compiled(function: Callable[..., None]) -> Callable[..., Any]:
    """The function for each type of its arguments, made when it is first used and kept on disk where that is possible.

    It runs without Python's lock, so that threads work at once. No fast mathematics: the bits are those of NumPy.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder to keep it in
        return njit(nogil=True)(function)


cut_and_look_up = _compiled(_cut_and_look_up)
