"""Subset: some of the rows of a source."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from akid_core.data.combined.amount import Amount, amount, check_amount, check_enough
from akid_core.data.combined.parts import View, joint_fingerprint, of_split
from akid_core.data.permutation import Permutation
from akid_core.data.sampler import Sampler
from akid_core.data.source import Source, Split
from akid_core.errors import ConfigurationError
from akid_core.random import derive_word

_CHOICES = ("first", "last", "every", "between", "indices")


@dataclass(frozen=True, kw_only=True)
class Subset(View):
    """Some rows of a source, by one of: `first`, `last`, `every`, `between`, `indices`.

    `first`, `last`: a number of rows, or a fraction of them below 1. `every`: rows 0, k, 2k, …. `between`: rows from
    the first number up to, but without, the second. `indices`: these rows in this order. With a `seed` the rows are
    counted in a random order that depends on it alone, so `first: 0.1, seed: 0` is a random tenth; one of 2000 rows
    contains that of 1000 with the same seed. `splits`: which splits are cut; the others stay whole.
    """

    first: Amount | None = None
    last: Amount | None = None
    every: int | None = None
    between: tuple[int, int] | None = None
    indices: tuple[int, ...] | None = None
    seed: int | None = None
    splits: tuple[Split, ...] = ("train",)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [name for name in _CHOICES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"say by one of {', '.join(_CHOICES)} which rows, got {', '.join(given) or 'none'}")
        check_amount("first", self.first)
        check_amount("last", self.last)
        if self.every is not None and self.every < 1:
            raise ValueError(f"every must be at least 1, got {self.every}")
        if self.between is not None and not 0 <= self.between[0] < self.between[1]:
            raise ValueError(f"between must be two numbers of rows, 0 or more, that grow, got {self.between}")
        if self.indices is not None:
            object.__setattr__(self, "indices", tuple(map(operator.index, self.indices)))
            if self.seed is not None:
                raise ValueError("leave out the seed: the indices say which rows")
        if self.source.sequential and self.seed is not None:
            raise ValueError(f"'{self.source.component()}' can only be read in its own order: leave out the seed")

    def __len__(self) -> int:
        return len(self._chosen)

    def fingerprint(self) -> str:
        settings = (getattr(self, name) for name in (*_CHOICES, "seed"))
        return joint_fingerprint([self.seen], *(settings if self._cut else ()))

    def order(self) -> Sampler | None:
        """That of the source, where neighbours stay neighbours."""
        apart = self._cut and (self.seed is not None or self.every is not None or self.indices is not None)
        return super().order() if apart else self.seen.order()

    @cached_property
    def seen(self) -> Source:
        return of_split(self.source, self.split)

    def places(self, indices: np.ndarray) -> np.ndarray:
        chosen = self._chosen
        places: np.ndarray = chosen.start + chosen.step * indices if isinstance(chosen, range) else chosen[indices]
        if self.seed is None or not self._cut:
            return places
        return Permutation(len(self.seen), derive_word(self.seed, "subset"), 0)(places)

    @property
    def _cut(self) -> bool:
        return self.split in self.splits

    @cached_property
    def _chosen(self) -> range | np.ndarray:
        """The numbers of the rows, before a seed changes their order."""
        size = len(self.seen)
        everything = range(size)
        if not self._cut or not size:
            return everything
        for name in ("first", "last"):
            if (wanted := getattr(self, name)) is not None:
                count = amount(wanted, size)
                check_enough(self.seen, f"{name}: {wanted}", count, size)
                return everything[:count] if name == "first" else everything[size - count :]
        if self.between is not None:
            check_enough(self.seen, f"between: {list(self.between)}", self.between[1], size)
            return everything[slice(*self.between)]
        return everything[:: self.every] if self.indices is None else self._listed(size)

    def _listed(self, size: int) -> np.ndarray:
        rows = np.asarray(self.indices, dtype=np.int64)
        wrong = rows[(rows < 0) | (rows >= size)]
        if len(wrong):
            raise ConfigurationError(
                f"indices: {wrong[0]} is no row of the source '{self.source.component()}', whose split '{self.split}' "
                f"has the rows 0 to {size - 1}."
            )
        return rows
