"""Brightness: lighter and darker pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws
from akid_datasets.pictures.engine import Pointwise
from akid_datasets.pictures.ranges import within
from akid_datasets.pictures.values import beside, between, full_range, restored, working


@dataclass(frozen=True, kw_only=True)
class Brightness(Pointwise):
    """Add one number to all values of a picture, drawn uniformly from -`strength` to `strength` of the full range.

    `fields`: each (batch, …) uint8, whose full range is 255, or floating, whose full range is 1; of the same type
    afterwards. uint8 is rounded half to even and kept within 0 to 255, floating numbers are not kept within a range.
    """

    strength: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength must be from 0 to 1, got {self.strength}")

    def change(self, values: np.ndarray, random: Draws, seen: np.ndarray | None) -> np.ndarray:
        more = between(-self.strength, self.strength, random.uniform()) * full_range(values.dtype)
        numbers = working(values)
        return restored(within(np.add, numbers, beside(more, numbers)), values.dtype)
