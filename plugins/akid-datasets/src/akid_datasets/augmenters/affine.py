"""Affine: pictures turned, moved, scaled and sheared at once."""

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
class Affine(Augmenter):
    """Scale, shear, turn and move each picture about its middle, by amounts drawn uniformly.

    `degrees`: turns from -degrees to degrees, against the clock. `translate`: moves by up to these shares of the height
    and of the width. `scale`: from and to; above 1 enlarges. `shear`: the upper edge moves to the left, and the lower
    one to the right, for angles from -shear to shear, in degrees. `method`: bilinear, or the nearest pixel. `fill`:
    what lies around the picture, one value, or one for each channel. Fields of integers other than uint8, and of truth
    values, such as classes of pixels, are always moved by the nearest pixel.

    `fields`: each (batch, …, height, width) of any type; the fields of a row move together.
    """

    degrees: float = 0.0
    translate: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    method: Method = "bilinear"
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        for name in ("translate", "scale"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.degrees < 0:
            raise ValueError(f"degrees must be at least 0, got {self.degrees}")
        if not all(0 <= share <= 1 for share in self.translate):
            raise ValueError(f"translate must be shares from 0 to 1 of height and width, got {self.translate}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale must be above 0, the lower end first, got {self.scale}")
        if not 0 <= self.shear < 90:
            raise ValueError(f"shear must be from 0 to below 90 degrees, got {self.shear}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)
        check_fill(self.fill, spec, self.fields)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        angle = np.radians(between(-self.degrees, self.degrees, random.uniform(0)))
        scale = between(*self.scale, random.uniform(1))
        shear = np.radians(between(-self.shear, self.shear, random.uniform(2)))
        down, right = (between(-share, share, random.uniform(3 + axis)) for axis, share in enumerate(self.translate))
        changed = {}
        for name in self.fields:
            height, width = fields[name].shape[-2:]
            maps = inverse_maps(angle, scale, shear, np.stack([right * width, down * height], axis=1))
            changed[name] = warp(fields[name], maps, self.method, self.fill)
        return changed
