"""Running one pass over pictures: a window is cut out and values are looked up, compiled where numba is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from akid_core.data.memory import empty
from akid_datasets.pictures.cutting import cut
from akid_datasets.pictures.looking_up import ENTRIES, Change, as_table, look_up
from akid_datasets.pictures.window import Window

Kernel = Callable[..., Any]

VARIABLE = "AKID_NUMBA"
"""The environment variable that, set to 0, leaves numba alone; 1: it is used from the first picture on."""

_WORTH = 1 << 26
"""So many values go through NumPy first, a few tenths of a second: numba takes longer to be imported and to compile."""

_WORTH_A_TABLE = 2 * ENTRIES
"""How many values a row must have before a table of its own costs less than to change them."""

_WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
"""The kernel copies values as words of their size, whatever they mean, so that it is compiled for few types."""


def run(pictures: np.ndarray, window: Window | None, changes: Sequence[Change]) -> np.ndarray:
    """What `window` shows of `pictures` (n, …, height, width), every value changed: a new array.

    Axis 1 of more than three are the channels. `window`: None for the whole pictures.
    """
    kernel = _kernel(pictures)
    table = as_table(changes, pictures.ndim) if _pays(pictures, changes, kernel is not None) else None
    if window is not None or table is not None:
        pictures = _shown(pictures, window, table, kernel)
    if table is None:
        for change in changes:
            pictures = change(pictures)
    return pictures


def _pays(pictures: np.ndarray, changes: Sequence[Change], compiled: bool) -> bool:
    """Whether values had better be looked up in a table than changed: the same bits for less work."""
    least = 1 if compiled else 2  # a look-up with NumPy costs as much as a change or two
    return (
        pictures.dtype == np.uint8
        and len(changes) >= least
        and pictures.ndim >= 3
        and pictures[:1].size >= _WORTH_A_TABLE
    )


def _shown(pictures: np.ndarray, window: Window | None, table: np.ndarray | None, kernel: Kernel | None) -> np.ndarray:
    """What `window` shows of `pictures`, with each value looked up in `table`; one of them may be None."""
    planes = _planes(pictures)
    whole = window or Window.whole(len(planes), *planes.shape[-2:])
    fill = np.empty(planes.shape[1], pictures.dtype)
    fill[:] = whole.fill
    word = _WORDS.get(pictures.itemsize)
    if kernel is None or word is None:
        shown = planes if window is None else cut(planes, window, fill)
        shown = shown if table is None else look_up(shown, table)
    else:
        size = (*planes.shape[:3], whole.height, whole.width)
        shown = empty(size, pictures.dtype if table is None else table.dtype)
        turns = (whole.upside_down, whole.mirrored)
        words, blank = np.ascontiguousarray(planes).view(word), fill.view(word)
        target = shown.view(word) if table is None else shown
        kernel(words, whole.top, whole.left, *turns, blank, table, target)
    return shown.reshape(*pictures.shape[:-2], whole.height, whole.width)


def compiled() -> bool:
    """Whether pictures can go through the compiled kernel."""
    return os.environ.get(VARIABLE) != "0" and _imported() is not None


class _Work:
    """How many values have been worked on; threads that count at once may lose some, which is no matter."""

    values = 0


def _kernel(pictures: np.ndarray) -> Kernel | None:
    """The compiled kernel for these pictures; None where numba cannot be used, shall not, or would not pay yet."""
    setting = os.environ.get(VARIABLE)
    if setting != "1":
        _Work.values += pictures.size
        if setting == "0" or _Work.values < _WORTH:
            return None
    return _imported()


@cache
def _imported() -> Kernel | None:
    try:
        from akid_datasets.pictures.kernel import cut_and_look_up
    except ImportError:
        return None
    return cut_and_look_up


def _planes(pictures: np.ndarray) -> np.ndarray:
    """Pictures of any number of axes as (n, channels, depth, height, width)."""
    rows, *row = pictures.shape
    channels = row[0] if len(row) > 2 else 1
    return pictures.reshape(rows, channels, int(np.prod(row[1:-2])), *row[-2:])
