"""Hue: other colours, as bright and as strong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.pictures.values import beside, between, check_coloured, restored, working

_SEXTANTS = (5, 3, 1)
"""Where red, green and blue begin to rise on the circle of colours, in sixths of a turn."""


@dataclass(frozen=True, kw_only=True)
class Hue(Augmenter):
    """Turn the colours of a picture on the circle red, yellow, green, cyan, blue, magenta (the H of HSV).

    The turn is drawn uniformly from -`turn` to `turn`, in turns: 0.5 makes of each colour the opposite one. Value and
    saturation (of HSV) of each pixel stay. Formulas: A. R. Smith, "Color gamut transform pairs", 1978.

    `fields`: each (batch, 3, height, width) uint8 or floating, of the same type afterwards.
    """

    turn: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.turn <= 0.5:
            raise ValueError(f"turn must be from 0 to 0.5, half of the circle, got {self.turn}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_coloured(spec, self.fields)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        turn = between(-self.turn, self.turn, random.uniform())
        return {name: _turned(fields[name], turn) for name in self.fields}


def _turned(pictures: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """The pictures with the hue of each moved by so many turns."""
    values = working(pictures)
    high, low = values.max(axis=1), values.min(axis=1)
    chroma = high - low
    hue = _hue(values, high, chroma) + beside(6 * turn, chroma)
    for channel, sextant in enumerate(_SEXTANTS):
        place = (hue + sextant) % 6
        values[:, channel] = high - chroma * np.clip(np.minimum(place, 4 - place), 0, 1)
    return restored(values, pictures.dtype)


def _hue(values: np.ndarray, high: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Where each pixel lies on the circle, in sixths of a turn: (n, 3, h, w) -> (n, h, w); 0 for what has no colour."""
    red, green, blue = values[:, 0], values[:, 1], values[:, 2]
    whole = np.where(chroma > 0, chroma, 1)
    places = [(green - blue) / whole, (blue - red) / whole + 2]
    return np.select([high == red, high == green], places, (red - green) / whole + 4)
