"""Rescale: bytes as numbers of a small range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Specs
from akid_datasets.pictures.engine import Pointwise
from akid_datasets.pictures.ranges import floating, in_floats, parts_of_range
from akid_datasets.pictures.values import restored


@dataclass(frozen=True, kw_only=True)
class Rescale(Pointwise):
    """Put the full range on `low` to `high`: value / full range * (high - low) + low. Nothing is random.

    `fields`: each (batch, …) uint8, whose full range is 255 -> float32, or floating, whose full range is 1 -> of the
    same type.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, got {self.low} and {self.high}")

    def outputs(self, spec: Specs) -> Specs:
        return in_floats(spec, self.fields)

    def evaluation(self) -> Self:
        return self

    def change(self, values: np.ndarray, random: Draws, seen: np.ndarray | None) -> np.ndarray:
        numbers = parts_of_range(values)
        kind = numbers.dtype.type
        numbers *= kind(self.high - self.low)
        numbers += kind(self.low)
        return restored(numbers, floating(values.dtype))
