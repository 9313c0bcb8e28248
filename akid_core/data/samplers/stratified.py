"""Stratified: an order in which each stretch holds the classes in proportion."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from akid_core.data.interleave import Interleave
from akid_core.data.permutation import Permutations
from akid_core.data.sampler import Sampler
from akid_core.data.samplers.values import class_labels
from akid_core.data.source import Source
from akid_core.random import derive_word


@dataclass(frozen=True, kw_only=True)
class Stratified(Sampler):
    """Every row once, in a new random order each epoch, in which each stretch holds the classes in proportion.

    A batch has of each class what is its due to within 4 rows, mostly to within 1; classes of equal size have equally
    many where the batch size is a multiple of their number. `label`: the field of integers that names the class. The
    labels are read once, when a run begins; the rows in their order, 8 bytes a row, are what it keeps in memory.
    """

    label: str = "label"

    def bound(self, source: Source) -> Sampler:
        labels = class_labels(self, source, self.label)
        _, sizes = np.unique(labels, return_counts=True)
        return _Classes(label=self.label, sorted_rows=np.argsort(labels, kind="stable"), sizes=sizes)

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        raise TypeError("a stratified order goes by the labels of a source: it is made by `bound`")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Classes(Stratified):
    """Knows the rows, sorted by class: `sorted_rows` (rows,); and how many each class has: `sizes` (classes,)."""

    sorted_rows: np.ndarray = field(repr=False)
    sizes: np.ndarray = field(repr=False)

    @classmethod
    def component(cls) -> str:
        return Stratified.component()

    def bound(self, source: Source) -> Sampler:
        return self

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        # The turns of the classes are the same in every epoch; where in them it begins is not, nor whose row it is.
        begin = derive_word(seed, "stratified", epoch) % size
        classes, ranks = self._turns((positions + begin) % size)
        places = Permutations(self.sizes, seed, epoch)(classes, ranks)
        rows: np.ndarray = self.sorted_rows[self._starts[classes] + places]
        return rows

    @cached_property
    def _turns(self) -> Interleave:
        return Interleave(self.sizes)

    @cached_property
    def _starts(self) -> np.ndarray:
        starts: np.ndarray = np.cumsum(self.sizes) - self.sizes
        return starts
