"""Cutmix: pictures with a piece of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.mixing import LabelMixer
from akid_datasets.augmenters.patches import patches
from akid_datasets.pictures.values import check_one_size, check_pictures, flat_rows


@dataclass(frozen=True, kw_only=True)
class Cutmix(LabelMixer):
    """Put a rectangle of another picture into each, and mix the labels by area (S. Yun, 2019).

    A share is drawn from the beta distribution (`alpha`, `alpha`); the rectangle has the proportions of the picture and
    1 - share of its area, rounded down to whole pixels; its middle is any pixel, and what sticks out is cut off. The
    labels are mixed by the pixels that are really left.

    `fields`: each (batch, …, height, width) of any type, all of one height and width. `labels`: (batch,)
    integers -> (batch, classes) float32; floating ones keep their shape and type.
    """

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)
        check_one_size(spec, self.fields, "rectangle")

    def mixed(
        self, fields: Fields, others: Fields, share: np.ndarray, random: Draws
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        height, width = fields[self.fields[0]].shape[-2:]
        size = np.floor(np.sqrt(1 - share)[:, np.newaxis] * (height, width)).astype(np.int64)
        down, right = random.integers(0, height, 32), random.integers(0, width, 33)
        changed = {}
        for name in self.fields:
            cut = patches(down, right, size, fields[name].shape)
            changed[name] = np.where(cut, others[name], fields[name])
        return changed, 1 - flat_rows(cut).mean(axis=1)
