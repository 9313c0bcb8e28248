"""Draws: what an augmenter draws from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache

import numpy as np

from akid_core.random import Key, derive_key, fractions, host_bits, keyed_bits, spread_bits

_POSITION_BITS = 40  # 10^12 rows in an epoch, and 8 million epochs
_FIRST_STREAMS = 3  # enough for one uniform number, or two integers


class Words:
    """The random words for rows that several augmenters, known by their paths, ask for first: made at once.

    `positions`: (n,) int64, where the rows stand in `epoch`.
    """

    def __init__(self, seed: int, paths: Iterable[str], epoch: int, positions: np.ndarray) -> None:
        self.counters = (epoch << _POSITION_BITS) + positions
        self.keys = {path: _key(seed, path) for path in paths}

    @cached_property
    def first(self) -> dict[str, np.ndarray]:
        """For each path (streams, n) uint32."""
        return dict(
            zip(self.keys, keyed_bits([*self.keys.values()], self.counters, range(_FIRST_STREAMS)), strict=True)
        )


class Draws:
    """Random numbers for the rows of a batch, from (seed, path, epoch, position) alone.

    A stream is one independent sequence: ask for another `stream` where an augmenter needs a second number of each row.
    With a `shape`, each row has as many numbers of its own. `positions`: (n,) int64, where the rows stand in `epoch`.
    `words`: the first ones, where they were made together with those of other augmenters; they change no number.
    """

    def __init__(self, seed: int, path: str, epoch: int, positions: np.ndarray, words: Words | None = None) -> None:
        self.epoch, self.positions = epoch, positions
        self._path = path
        self._words = words or Words(seed, (path,), epoch, positions)

    def __len__(self) -> int:
        return len(self.positions)

    def uniform(self, stream: int = 0, shape: tuple[int, ...] = ()) -> np.ndarray:
        """(n, *shape) float64, uniform in [0, 1)."""
        return fractions(self._bits(2 * stream, shape), self._bits(2 * stream + 1, shape))

    def integers(self, low: int, high: int, stream: int = 0) -> np.ndarray:
        """(n,) int64, uniform in [low, high); the range is at most 2^31."""
        if not 0 < high - low <= 1 << 31:
            raise ValueError(f"integers are drawn from a range of 1 to 2^31 values, not from [{low}, {high})")
        return low + ((self._bits(2 * stream).astype(np.int64) * (high - low)) >> 32)

    def normal(self, stream: int = 0, shape: tuple[int, ...] = ()) -> np.ndarray:
        """(n, *shape) float64, of mean 0 and variance 1, by the Box-Muller transform."""
        radius: np.ndarray = np.sqrt(-2.0 * np.log1p(-self.uniform(2 * stream, shape)))
        return radius * np.cos(2.0 * np.pi * self.uniform(2 * stream + 1, shape))

    def seeds(self, stream: int = 0) -> np.ndarray:
        """(n,) uint64, for generators of other libraries: one for each row."""
        high, low = (self._bits(2 * stream + part).astype(np.uint64) for part in (0, 1))
        return (high << np.uint64(32)) | low

    def _bits(self, stream: int, shape: tuple[int, ...] = ()) -> np.ndarray:
        key, counters = self._words.keys[self._path], self._words.counters
        if shape:
            return spread_bits(key, counters, stream, shape)
        return self._words.first[self._path][stream] if stream < _FIRST_STREAMS else host_bits(key, counters, stream)


@lru_cache(maxsize=1024)
def _key(seed: int, path: str) -> Key:
    return derive_key(seed, "augment", path)
