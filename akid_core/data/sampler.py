"""Sampler: the order in which an epoch visits the rows of a Source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akid_core.config import Typed
from akid_core.data.permutation import Permutation
from akid_core.errors import ConfigurationError
from akid_core.specs.names import snake_case

if TYPE_CHECKING:
    from akid_core.data.source import Source


@dataclass(frozen=True, kw_only=True)
class Sampler(Typed, ABC):
    """Which row stands at a position, as a pure function: nothing is drawn ahead, kept or advanced.

    So every batch of every epoch can be named without those before it, by any process.
    """

    @classmethod
    def component(cls) -> str:
        """The name of this class in YAML and in the registry."""
        return snake_case(cls.__name__)

    def check(self, batch_size: int) -> None:
        """Raise `ValueError` with one sentence where the order makes no sense in batches of this size."""

    def bound(self, source: Source) -> Sampler:
        """The sampler for the rows of `source`, where it must know them, such as by their labels; else itself.

        Raises `ConfigurationError` where it does not fit them.
        """
        return self

    def length(self, size: int) -> int:
        """How many positions an epoch has over a Source of `size` rows."""
        return size

    @abstractmethod
    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        """The rows of a Source of `size` rows at `positions` (n,) int64 of an epoch: (n,) int64."""


@dataclass(frozen=True, kw_only=True)
class Shuffled(Sampler):
    """Every row once, in a new random order each epoch."""

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        return Permutation(size, seed, epoch)(positions)


@dataclass(frozen=True, kw_only=True)
class Sequential(Sampler):
    """Every row once, in the order of the Source."""

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        return positions


def sampler_for(source: Source, sampler: Sampler, batch_size: int) -> Sampler:
    """The sampler for the rows of the source. Raises `ConfigurationError` where it does not fit them or the batches."""
    if source.sequential and not isinstance(sampler, Sequential):
        raise ConfigurationError(
            f"The source '{source.component()}' can only be read in its own order, so the sampler "
            f"'{sampler.component()}' does not fit it; leave the sampler out, or take 'sequential'."
        )
    try:
        sampler.check(batch_size)
    except ValueError as error:
        raise ConfigurationError(f"The sampler '{sampler.component()}' does not fit the batches: {error}.") from error
    return sampler.bound(source)
