"""Batch and Span: named NumPy arrays with their identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are used together.

    `fields`: each (n, …). `weights`: (n,) float32, how much each row counts. `positions`: (n,) int64, where each row
    stands in the order of its epoch. `rows`: (n,) int64, its index in the Source.
    """

    WEIGHTS: ClassVar[str] = "sample_weight"
    """The name under which weights travel where a mapping of fields is wanted."""

    fields: Mapping[str, np.ndarray]
    weights: np.ndarray
    positions: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True, slots=True)
class Span:
    """k training steps' batches of equal size, stacked.

    `fields`: each (k, n, …). `weights`: (k, n) float32. `positions`, `rows`: (k, n) int64. `first_row`: the number of
    this process's first row in the global batch, which dropout counts from. `full`: the batches are as large as all
    but the last one of an epoch, so that a program made for this size serves them.
    """

    epoch: int
    first_step: int
    fields: Mapping[str, np.ndarray]
    weights: np.ndarray
    positions: np.ndarray
    rows: np.ndarray
    first_row: int = 0
    full: bool = True

    @property
    def steps(self) -> int:
        return len(self.weights)

    def part(self, first: int, count: int) -> Span:
        """The `count` steps from number `first` of this span on (views, not copies)."""
        some = slice(first, first + count)
        return Span(
            self.epoch,
            self.first_step + first,
            {name: values[some] for name, values in self.fields.items()},
            self.weights[some],
            self.positions[some],
            self.rows[some],
            self.first_row,
            self.full,
        )

    def batch(self, index: int) -> Batch:
        """The batch of step number `index` of this span (views, not copies)."""
        return Batch(
            {name: values[index] for name, values in self.fields.items()},
            self.weights[index],
            self.positions[index],
            self.rows[index],
        )
