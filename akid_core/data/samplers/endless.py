"""Endless: the epochs of a sampler joined end to end."""

from __future__ import annotations

import numpy as np

from akid_core.data.sampler import Sampler


def endless(sampler: Sampler, numbers: np.ndarray, *, size: int, seed: int) -> np.ndarray:
    """The rows at `numbers` (n,) int64 of the epochs 0, 1, 2, … of a sampler in a row: (n,) int64."""
    epochs, positions = np.divmod(numbers, sampler.length(size))
    rows = np.empty(len(numbers), np.int64)
    for epoch in np.unique(epochs):
        chosen = epochs == epoch
        rows[chosen] = sampler.rows(positions[chosen], size=size, seed=seed, epoch=int(epoch))
    return rows
