"""Grey: pictures without their colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.pictures.values import check_coloured, restored, with_row, working

LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue look (ITU-R Recommendation BT.601)."""


@dataclass(frozen=True, kw_only=True)
class Grey(Augmenter):
    """Take the colours out of a picture, with a `chance`: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).

    `channels`: 3 writes the grey value three times; 1 once, for which the chance must be 1. Where the chance is 1 the
    pictures to evaluate are grey too.

    `fields`: each (batch, 3, height, width) uint8 or floating -> (batch, channels, height, width) of the same type.
    """

    chance: float = 0.1
    channels: Literal[1, 3] = 3

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance must be from 0 to 1, got {self.chance}")
        if self.channels == 1 and self.chance < 1:
            raise ValueError(f"all pictures must be grey for one channel: set chance to 1, not {self.chance}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_coloured(spec, self.fields)

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{name: with_row(spec[name], self.channels, *spec[name].shape[2:]) for name in self.fields}}

    def evaluation(self) -> Self | None:
        return self if self.chance == 1 else None

    def apply(self, fields: Fields, random: Draws) -> Fields:
        chosen = np.flatnonzero(random.uniform() < self.chance)
        return {name: self._grey(fields[name], chosen) for name in self.fields}

    def _grey(self, pictures: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        grey = restored(luma(working(pictures[chosen])), pictures.dtype)
        if self.channels == 1:
            return grey
        result = pictures.copy()
        result[chosen] = grey
        return result


def luma(pictures: np.ndarray) -> np.ndarray:
    """How bright each pixel looks: floating (n, 3, height, width) -> (n, 1, height, width)."""
    red, green, blue = (pictures[:, channel : channel + 1] * pictures.dtype.type(LUMA[channel]) for channel in range(3))
    brightness: np.ndarray = red + green + blue
    return brightness
