"""Contrast: stronger and weaker differences of light and dark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from akid_core.data import Draws
from akid_datasets.pictures.engine import Pointwise
from akid_datasets.pictures.ranges import within
from akid_datasets.pictures.values import beside, between, full_range, restored, working


@dataclass(frozen=True, kw_only=True)
class Contrast(Pointwise):
    """Move each value away from a middle or towards it: middle + factor * (value - middle).

    The factor of a picture is drawn uniformly from 1 - `strength` to 1 + `strength`: 0 leaves the middle, 1 all as it
    is. `around`: the middle as a part of the full range, 0.5 for mid grey, or "mean": the mean of the row's values.

    `fields`: each (batch, …) uint8, whose full range is 255, or floating, whose full range is 1; of the same type
    afterwards. uint8 is rounded half to even and kept within 0 to 255, floating numbers are not kept within a range.
    """

    strength: float = 0.4
    around: float | Literal["mean"] = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength must be from 0 to 1, got {self.strength}")

    @property
    def sees(self) -> bool:
        return self.around == "mean"

    def seen(self, rows: np.ndarray) -> np.ndarray:
        values = rows.reshape(len(rows), math.prod(rows.shape[1:]))
        exact = np.int64 if rows.dtype == np.uint8 else np.float64
        # The sum of a row must not depend on its neighbours: converted beforehand, it is formed in one piece.
        means: np.ndarray = values.astype(exact).sum(axis=1) / values.shape[1]
        return means

    def change(self, values: np.ndarray, random: Draws, seen: np.ndarray | None) -> np.ndarray:
        numbers = working(values)
        factor = beside(between(1 - self.strength, 1 + self.strength, random.uniform()), numbers)
        if seen is None:
            middle = numbers.dtype.type(float(self.around) * full_range(values.dtype))
        else:
            middle = beside(seen, numbers)
        from_middle = within(np.subtract, numbers, middle)
        return restored(within(np.add, within(np.multiply, from_middle, factor), middle), values.dtype)
