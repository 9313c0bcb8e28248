"""Weighted: rows drawn with replacement."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from akid_core.data.sampler import Sampler
from akid_core.data.samplers.values import class_labels, row_weights
from akid_core.data.source import Source
from akid_core.random import derive_key, host_uniform


@dataclass(frozen=True, kw_only=True)
class Weighted(Sampler):
    """Rows drawn at random with replacement, each draw by itself, so that an epoch may hold a row twice or not at all.

    `field`: the field that says how often a row is drawn, in proportion; without it rows are equally likely.
    `balance`: the field of integers that names the class; classes are then equally likely, and rows within a class as
    said before. `draws`: positions of an epoch; by default as many as there are rows. With a field it keeps 8 bytes a
    row in memory, without one nothing.
    """

    field: str | None = None
    balance: str | None = None
    draws: int | None = None

    def __post_init__(self) -> None:
        if self.draws is not None and self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")

    def bound(self, source: Source) -> Sampler:
        if self.field is None and self.balance is None:
            return self
        weights = np.ones(len(source)) if self.field is None else row_weights(self, source, self.field)
        if self.balance is not None:
            _, classes = np.unique(class_labels(self, source, self.balance), return_inverse=True)
            totals = np.bincount(classes, weights)
            totals[totals == 0] = 1  # of a class none of whose rows is ever drawn
            weights = weights / totals[classes]
        return _Cumulated(field=self.field, balance=self.balance, draws=self.draws, sums=np.cumsum(weights))

    def length(self, size: int) -> int:
        return size if self.draws is None else self.draws

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        if self.field is not None or self.balance is not None:
            raise TypeError("a weighted order goes by fields of a source: it is made by `bound`")
        places: np.ndarray = (self._uniform(positions, seed, epoch) * size).astype(np.int64)
        places[places == size] = size - 1  # a product may be rounded up
        return places

    def _uniform(self, positions: np.ndarray, seed: int, epoch: int) -> np.ndarray:
        return host_uniform(derive_key(seed, "weighted", epoch), positions)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cumulated(Weighted):
    """Knows the running `sums` (rows,) of the weights of the rows."""

    sums: np.ndarray = field(repr=False)

    @classmethod
    def component(cls) -> str:
        return Weighted.component()

    def bound(self, source: Source) -> Sampler:
        return self

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        drawn = self._uniform(positions, seed, epoch) * self.sums[-1]
        rows: np.ndarray = np.searchsorted(self.sums, drawn, side="right")
        return rows.clip(max=self._last)  # the product may be rounded up to the sum of all

    @cached_property
    def _last(self) -> int:
        """The last row that can be drawn."""
        return int(np.searchsorted(self.sums, self.sums[-1], side="left"))
