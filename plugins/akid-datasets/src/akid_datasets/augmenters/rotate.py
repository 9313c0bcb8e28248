"""Rotate: pictures turned about their middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.warp import Method, inverse_maps, warp
from akid_datasets.pictures.engine import check_fill
from akid_datasets.pictures.values import between, check_pictures
from akid_datasets.pictures.window import Fill


@dataclass(frozen=True, kw_only=True)
class Rotate(Augmenter):
    """Turn each picture about its middle by an angle drawn uniformly from -`degrees` to `degrees`, against the clock.

    `method`: bilinear, or the nearest pixel. `fill`: what comes in at the corners, one value, or one for each
    channel. Fields of integers other than uint8, and of truth values, such as classes of pixels, are always moved by
    the nearest pixel.

    `fields`: each (batch, …, height, width) of any type; the fields of a row turn together.
    """

    degrees: float = 15.0
    method: Method = "bilinear"
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        if self.degrees < 0:
            raise ValueError(f"degrees must be at least 0, got {self.degrees}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)
        check_fill(self.fill, spec, self.fields)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        angle = np.radians(between(-self.degrees, self.degrees, random.uniform()))
        still = np.zeros(len(angle))
        maps = inverse_maps(angle, np.ones(len(angle)), still, np.zeros((len(angle), 2)))
        return {name: warp(fields[name], maps, self.method, self.fill) for name in self.fields}
