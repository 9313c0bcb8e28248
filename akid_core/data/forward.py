"""Forward: rows that can only be read one after another, by index all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from akid_core.errors import DataError

Chunk = Mapping[str, np.ndarray]
"""Some rows in a row: each field (n, …)."""


class Forward:
    """Reads on from where it stands; to go back, it begins anew and skips.

    `begin(skip)` gives the rows behind the first `skip` ones, in chunks of any size; it must give the same rows each
    time. Threads take turns.
    """

    def __init__(self, begin: Callable[[int], Iterator[Chunk]]) -> None:
        self._begin = begin
        self._turn = threading.Lock()
        self._chunks: Iterator[Chunk] | None = None
        self._held: Chunk = {}
        self._first = self._stop = 0  # the rows that are held; the iterator stands behind them

    def rows(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """The rows at `indices` (n,), at least one, in that order. Raises `DataError` where there are fewer rows."""
        wanted, places = np.unique(indices, return_inverse=True)
        breaks = np.flatnonzero(np.diff(wanted) > 1) + 1
        with self._turn:
            try:
                parts = [part for run in np.split(wanted, breaks) for part in self._run(int(run[0]), int(run[-1]) + 1)]
            except BaseException:
                self._chunks = None  # whatever it is in the middle of, nobody knows where
                raise
        return {name: np.concatenate([part[name] for part in parts])[places] for name in parts[0]}

    def _run(self, start: int, stop: int) -> Iterator[Chunk]:
        """The rows from `start` up to `stop`, in pieces."""
        while start < stop:
            while self._chunks is None or not self._first <= start < self._stop:
                self._advance(start)
            end = min(stop, self._stop)
            yield {name: values[start - self._first : end - self._first] for name, values in self._held.items()}
            start = end

    def _advance(self, row: int) -> None:
        """Hold the next chunk, or the one that begins with `row` where that lies behind."""
        if self._chunks is None or row < self._first:
            self._chunks, self._stop = self._begin(row), row
        chunk = next(self._chunks, None)
        if chunk is None:
            raise DataError(f"Row {row} was asked for, and the data end before it; say their true length.")
        self._held, self._first = chunk, self._stop
        self._stop += len(next(iter(chunk.values())))
