"""Repeated: epochs that are several epochs of another sampler."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from akid_core.data.sampler import Sampler, Shuffled
from akid_core.data.samplers.endless import endless
from akid_core.data.source import Source


@dataclass(frozen=True, kw_only=True)
class Repeated(Sampler):
    """Another sampler's epochs, `times` of them as one: the same rows in the same order, with fewer ends of epochs.

    Each is an epoch of its own to the other sampler; shuffled rows come in a new order every time.
    """

    times: int
    sampler: Sampler = field(default_factory=Shuffled)

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"times must be at least 1, got {self.times}")

    def check(self, batch_size: int) -> None:
        self.sampler.check(batch_size)

    def bound(self, source: Source) -> Sampler:
        return replace(self, sampler=self.sampler.bound(source))

    def length(self, size: int) -> int:
        return self.times * self.sampler.length(size)

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        return endless(self.sampler, epoch * self.length(size) + positions, size=size, seed=seed)
