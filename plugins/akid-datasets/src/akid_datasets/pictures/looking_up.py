"""Looking values up with NumPy: all that is done to a uint8, as a table of 256 entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from akid_core.data.memory import empty

Change = Callable[[np.ndarray], np.ndarray]
"""Changes values (n or 1, channels or 1, …), each by itself; the first axis becomes n where rows differ."""

ENTRIES = 256
_AT_ONCE = 1 << 16
"""How many values are looked up at once: their places in the table then stay in the processor's cache."""


def as_table(changes: Sequence[Change], axes: int) -> np.ndarray | None:
    """What the changes make of each uint8, (n or 1, channels or 1, 256); None where pictures of so many axes need more.

    The table is made by applying the changes, one after another, to the values 0 to 255: so it holds the bits that they
    would give to pictures.
    """
    table = np.arange(ENTRIES, dtype=np.uint8).reshape(1, 1, ENTRIES)
    for change in changes:
        table = change(table)
    if axes == 3 and table.shape[1] > 1:
        return None  # (batch, channels, length): a pass over pictures takes axis 1 for lines
    return np.ascontiguousarray(table)


def look_up(pictures: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The entry for each value of `pictures` (n, channels, …) uint8: an array of the same shape, of the table's type.

    `table`: (n or 1, channels or 1, 256).
    """
    rows, channels = pictures.shape[:2]
    flat = np.ascontiguousarray(table).reshape(-1)
    starts = np.arange(0, flat.size, ENTRIES, dtype=np.intp).reshape(table.shape[:2])
    starts = np.broadcast_to(starts, (rows, channels)).reshape(-1, 1)
    values = np.ascontiguousarray(pictures).reshape(rows * channels, -1)
    entries = empty(values.shape, table.dtype)
    step = max(1, _AT_ONCE // max(1, values.shape[1]))
    places = empty((min(step, len(values)), values.shape[1]), np.intp)
    for first in range(0, len(values), step):
        some = slice(first, first + step)
        at = np.add(starts[some], values[some], out=places[: len(values) - first])
        # No place lies outside; "wrap" only spares the copy that "raise" makes to leave `out` alone if one does.
        flat.take(at, out=entries[some], mode="wrap")
    return entries.reshape(pictures.shape)
