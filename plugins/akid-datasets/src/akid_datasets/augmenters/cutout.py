"""Cutout: pictures with a piece missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.patches import patches
from akid_datasets.pictures.engine import check_fill
from akid_datasets.pictures.pairs import check_size, pair
from akid_datasets.pictures.values import check_pictures, filling
from akid_datasets.pictures.window import Fill


@dataclass(frozen=True, kw_only=True)
class Cutout(Augmenter):
    """Cover a rectangle of each picture with one value, wherever its middle falls (T. DeVries, G. W. Taylor, 2017).

    `size`: its height and width, or one number for both. The middle is any pixel, so a part of it may lie outside.
    `fill`: the value, or one for each channel.

    `fields`: each (batch, …, height, width) of any type; the same place is covered in all fields of a row.
    """

    size: int | tuple[int, int] = 8
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        check_size(self.size)

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)
        check_fill(self.fill, spec, self.fields)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        size = np.broadcast_to(pair(self.size), (len(random), 2))
        changed = {}
        for name in self.fields:
            pictures = fields[name]
            height, width = pictures.shape[-2:]
            down, right = random.integers(0, height, 0), random.integers(0, width, 1)
            covered = patches(down, right, size, pictures.shape)
            changed[name] = np.where(covered, filling(self.fill, pictures), pictures)
        return changed
