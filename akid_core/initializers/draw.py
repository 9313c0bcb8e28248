"""Random arrays in the shape of a parameter: what the initializers share.

The counter of an element is its index in the canonical layout, so that a value depends on (key, index) alone.
"""

from __future__ import annotations

import numpy as np

from akid_core.random import Key, host_normal, host_uniform


def uniform(shape: tuple[int, ...], key: Key, limit: float) -> np.ndarray:
    """Uniform in [-limit, limit): float64 of `shape`."""
    return (2.0 * host_uniform(key, counters(shape)) - 1.0) * limit


def normal(shape: tuple[int, ...], key: Key, stddev: float) -> np.ndarray:
    """Normal around 0: float64 of `shape`."""
    return host_normal(key, counters(shape)) * stddev


def counters(shape: tuple[int, ...]) -> np.ndarray:
    """The index of each element in the canonical layout: int64 of `shape`."""
    return np.arange(np.prod(shape, dtype=np.int64), dtype=np.int64).reshape(shape)
