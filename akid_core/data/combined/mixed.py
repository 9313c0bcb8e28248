"""Mixed: several sources as one, in training mixed by weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, isfinite, lcm

import numpy as np

from akid_core.data.combined.parts import check_part, joint_about, joint_fingerprint, name_in, of_split
from akid_core.data.interleave import Interleave
from akid_core.data.sampler import Sampler, Shuffled
from akid_core.data.samplers.endless import endless
from akid_core.data.source import About, Source
from akid_core.errors import ConfigurationError, DataError
from akid_core.random import derive_word
from akid_core.specs.tensor import TensorSpec

_Read = Callable[[Source, np.ndarray], Mapping[str, np.ndarray]]

_LONGEST_CYCLE = 10**6
"""Weights whose proportions need a longer cycle of turns are rounded to this many parts."""


@dataclass(frozen=True, kw_only=True)
class Mixed(Source):
    """The rows of several `sources` with equal fields, one source after another; in training, mixed by `weights`.

    In its own order, its sources take turns in the proportions of the weights, as evenly as can be: weights 7 and 3
    give in each 10 positions 7 of the first and 3 of the second. Each source is gone through in its own order (shuffled
    where it says none), all of it before it begins anew; that goes on from epoch to epoch. Without weights the rows are
    mixed in proportion to their numbers, so that an epoch has every row once. An epoch has `draws` positions, by
    default as many as there are rows. Validation and test have every row of every source once.
    """

    sources: tuple[Source, ...]
    weights: tuple[float, ...] | None = None
    draws: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", tuple(self.sources))
        if not self.sources:
            raise ValueError("there must be at least one source to mix")
        for source in self.sources:
            check_part(source)
            if source.sequential:
                raise ValueError(f"'{source.component()}' can only be read in its own order: it cannot be mixed")
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(self.weights))
            if len(self.weights) != len(self.sources):
                raise ValueError(f"there are {len(self.sources)} sources, but {len(self.weights)} weights")
            if not all(isfinite(weight) and weight > 0 for weight in self.weights):
                raise ValueError(f"weights must be finite and above 0, got {list(self.weights)}")
        if self.draws is not None and self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        specs = [source.spec for source in self._parts]
        for number, spec in enumerate(specs):
            for name in {**specs[0], **spec}:
                known, found = (str(fields.get(name, "missing")) for fields in (specs[0], spec))
                if known != found:
                    raise ConfigurationError(
                        f"The field '{name}' is {known} in the source '{self.sources[0].component()}', but {found} in "
                        f"'{self.sources[number].component()}'; sources that are mixed need the same fields."
                    )
        return specs[0]

    def __len__(self) -> int:
        return int(self._ends[-1])

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._gathered(indices, lambda source, own: source.rows(own))

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        return self._gathered(indices, lambda source, own: {name: source.field_rows(name, own)})[name]

    def _gathered(self, indices: np.ndarray, read: _Read) -> Mapping[str, np.ndarray]:
        """What is read of each source, given the rows that are its own, in the order of `indices`."""
        owners = np.searchsorted(self._ends, indices, side="right")
        present = np.unique(owners).tolist() if len(owners) else [0]
        parts = [self._read(owner, indices[owners == owner], read) for owner in present]
        if len(parts) == 1:
            return parts[0]
        places = np.empty(len(owners), np.int64)
        places[np.argsort(owners, kind="stable")] = np.arange(len(owners))
        return {name: np.concatenate([part[name] for part in parts])[places] for name in parts[0]}

    def row_name(self, row: int) -> str:
        owner = int(np.searchsorted(self._ends, row, side="right"))
        return name_in(self._parts[owner], row, row - int(self._starts[owner]))

    def _read(self, owner: int, indices: np.ndarray, read: _Read) -> Mapping[str, np.ndarray]:
        try:
            return read(self._parts[owner], indices - self._starts[owner])
        except Exception as error:
            error.add_note(f"while reading source {owner} of the mixed ones, '{self._parts[owner].component()}'")
            raise

    def fingerprint(self) -> str:
        return joint_fingerprint(self._parts, self.weights, self.draws)

    @property
    def in_memory(self) -> bool:
        return all(source.in_memory for source in self._parts)

    @property
    def live_only(self) -> bool:
        return any(source.live_only for source in self.sources)

    def order(self) -> Sampler:
        """Raises `DataError` where a source has no rows to give."""
        sizes = tuple(map(len, self._parts))
        if 0 in sizes:
            raise DataError(
                f"The source '{self._parts[sizes.index(0)].component()}', which is to be mixed with others, has no "
                f"rows in the split '{self.split}'."
            )
        return InTurns(
            samplers=tuple((source.order() or Shuffled()).bound(source) for source in self._parts),
            sizes=sizes,
            shares=sizes if self.weights is None else shares(self.weights),
            draws=self.draws or len(self),
        )

    def fetch(self) -> None:
        for source in self._parts:
            source.fetch()

    def about(self) -> About:
        return joint_about(self.sources)

    @cached_property
    def _parts(self) -> tuple[Source, ...]:
        return tuple(of_split(source, self.split) for source in self.sources)

    @cached_property
    def _ends(self) -> np.ndarray:
        """The number of the first row after those of each source: (sources,)."""
        return np.cumsum([len(source) for source in self._parts])

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.concatenate([[0], self._ends[:-1]])


@dataclass(frozen=True, kw_only=True)
class InTurns(Sampler):
    """The order of `Mixed`: sources of `sizes` rows, each in the order of its sampler, that take turns by `shares`."""

    samplers: tuple[Sampler, ...]
    sizes: tuple[int, ...]
    shares: tuple[int, ...]
    draws: int

    def bound(self, source: Source) -> Sampler:
        if len(source) != sum(self.sizes):
            raise ConfigurationError(
                f"The source '{source.component()}' has {len(source)} rows of the {sum(self.sizes)} that are mixed, so "
                f"that they cannot take turns; cut the sources before they are mixed, or name a sampler."
            )
        return self

    def length(self, size: int) -> int:
        return self.draws

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        owners, numbers = self._turns(epoch * self.draws + positions)
        rows = np.empty(len(positions), np.int64)
        start = 0
        for owner, (sampler, own_size) in enumerate(zip(self.samplers, self.sizes, strict=True)):
            chosen = owners == owner
            own_seed = derive_word(seed, "mixed", owner)
            rows[chosen] = start + endless(sampler, numbers[chosen], size=own_size, seed=own_seed)
            start += own_size
        return rows

    @cached_property
    def _turns(self) -> Interleave:
        return Interleave(self.shares)


def shares(weights: Sequence[float]) -> tuple[int, ...]:
    """Whole numbers in the proportions of `weights`, taken as they are written in decimals: 0.7, 0.3 give 7, 3."""
    written = [Fraction(str(weight)) for weight in weights]
    common = lcm(*(part.denominator for part in written))
    whole = [int(part * common) for part in written]
    if sum(whole) // gcd(*whole) > _LONGEST_CYCLE:
        whole = [max(1, round(_LONGEST_CYCLE * part / sum(written))) for part in written]
    return tuple(part // gcd(*whole) for part in whole)
