"""Saturation: stronger and weaker colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.grey import luma
from akid_datasets.pictures.values import beside, between, check_coloured, restored, working


@dataclass(frozen=True, kw_only=True)
class Saturation(Augmenter):
    """Move each pixel away from its grey value or towards it: grey + factor * (pixel - grey).

    The factor of a picture is drawn uniformly from 1 - `strength` to 1 + `strength`: 0 leaves grey, 1 all as it is. The
    grey value is that of `grey`.

    `fields`: each (batch, 3, height, width) uint8 or floating, of the same type afterwards; uint8 is rounded half to
    even and kept within 0 to 255, floating numbers are not kept within a range.
    """

    strength: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength must be from 0 to 1, got {self.strength}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_coloured(spec, self.fields)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        factor = between(1 - self.strength, 1 + self.strength, random.uniform())
        return {name: _saturated(fields[name], factor) for name in self.fields}


def _saturated(pictures: np.ndarray, factor: np.ndarray) -> np.ndarray:
    values = working(pictures)
    grey = luma(values)
    values -= grey
    values *= beside(factor, values)
    values += grey
    return restored(values, pictures.dtype)
