"""Memory of arrays that nobody holds any more, for new ones.

A system that gives a program fresh memory clears it first, page by page, and threads that ask for it wait for each
other: for a batch of small pictures that takes longer than to fill it.
"""

from __future__ import annotations

import math
import sys
import threading

import numpy as np
from numpy.typing import DTypeLike

_LEAST, _MOST = 1 << 16, 1 << 26
"""Bytes of an array worth keeping, and of all that a thread keeps. Smaller ones are kept by the allocator."""

_ALIGNMENT = 64
"""At multiples of so many bytes TensorFlow takes an array as it lies, instead of a copy."""

_COUNTED = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether counts of references are exact, as they are where one thread runs at a time."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []
        """Each (bytes,) uint8, the last used one last."""

    def block(self, size: int) -> np.ndarray:
        """A block that no array lies in; from now on it is kept, as far as there is room."""
        for number in range(len(self.blocks)):
            if len(self.blocks[number]) == size and sys.getrefcount(self.blocks[number]) == _UNHELD:
                self.blocks.append(self.blocks.pop(number))
                return self.blocks[-1]
        self.blocks.append(np.empty(size, np.uint8))
        block = self.blocks[-1]
        while sum(map(len, self.blocks)) > _MOST:
            del self.blocks[0]
        return block


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """An array whose values are not set, like `numpy.empty`; it may lie where an array lay that nobody holds any more.

    Views, and tensors that share an array's memory, hold it. The memory of a thread is let go when the thread ends.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if not _COUNTED or not _LEAST <= size <= _MOST:
        return np.empty(shape, dtype)
    block = _kept.block(size + _ALIGNMENT)
    return np.ndarray(shape, dtype, block, offset=-block.ctypes.data % _ALIGNMENT)


def taken(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`values[rows]` for rows (n,) of integers, in such memory."""
    inside = not len(rows) or (rows.min() >= 0 and rows.max() < len(values))
    if not inside or not values.flags.c_contiguous:
        chosen: np.ndarray = values[rows]  # says what is wrong; and does not copy all values to reach a few
        return chosen
    chosen = empty((len(rows), *values.shape[1:]), values.dtype)
    values.take(rows, axis=0, out=chosen, mode="clip")
    return chosen


_kept = _Kept()
_probe = [np.empty(1, np.uint8)]
_UNHELD = sys.getrefcount(_probe[0])
"""What is counted for an array that a list alone holds; not the same in every release of Python."""
