"""Draws: what an augmenter draws from."""

from __future__ import annotations

import numpy as np

from akid_core.random import derive_key, host_bits, spread_bits

_POSITION_BITS = 40  # 10^12 rows in an epoch, and 8 million epochs


class Draws:
    """Random numbers for the rows of a batch, from (seed, path, epoch, position) alone.

    A stream is one independent sequence: ask for another `stream` where an augmenter needs a second number of each row.
    With a `shape`, each row has as many numbers of its own. `positions`: (n,) int64, where the rows stand in `epoch`.
    """

    def __init__(self, seed: int, path: str, epoch: int, positions: np.ndarray) -> None:
        self.epoch, self.positions = epoch, positions
        self._key = derive_key(seed, "augment", path)
        self._counters = (epoch << _POSITION_BITS) + positions

    def __len__(self) -> int:
        return len(self.positions)

    def uniform(self, stream: int = 0, shape: tuple[int, ...] = ()) -> np.ndarray:
        """(n, *shape) float64, uniform in [0, 1)."""
        high = self._bits(2 * stream, shape).astype(np.float64)
        low = self._bits(2 * stream + 1, shape).astype(np.float64)
        return (high * 2.0**21 + np.floor(low / 2.0**11)) / 2.0**53

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
        if not shape:
            return host_bits(self._key, self._counters, stream)
        return spread_bits(self._key, self._counters, stream, shape)
