"""GaussianNoise: values that are not quite what they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.pictures.values import PICTURES, check_type, full_range, restored, working


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Augmenter):
    """Add to each value a number of its own, normally distributed about 0.

    `deviation`: the standard deviation, relative to the full range (255 for uint8, 1 for floating numbers).

    `fields`: each (batch, …) uint8 or floating, of the same type afterwards; uint8 is rounded half to even and kept
    within 0 to 255, floating numbers are not kept within a range.
    """

    deviation: float = 0.05

    def __post_init__(self) -> None:
        if self.deviation < 0:
            raise ValueError(f"deviation must be at least 0, got {self.deviation}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            check_type(spec[name], name, PICTURES)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: self._noisy(fields[name], random, stream) for stream, name in enumerate(self.fields)}

    def _noisy(self, given: np.ndarray, random: Draws, stream: int) -> np.ndarray:
        values = working(given)
        noise = random.normal(stream, given.shape[1:])
        noise *= self.deviation * full_range(given.dtype)
        values += noise.astype(values.dtype)
        return restored(values, given.dtype)
