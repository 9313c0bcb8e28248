"""Shift: images that are not quite where they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from akid_core.data import Augmenter, Draws
from akid_core.specs import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Shift(Augmenter):
    """Move each row by whole pixels, -`pixels` to `pixels` along each of the last two axes; zeros fill the gap.

    `fields`: each (batch, …, height, width) of any type; the fields of a row move together, as image and mask must.
    """

    pixels: int = 1

    def __post_init__(self) -> None:
        if self.pixels < 1:
            raise ValueError(f"pixels must be at least 1, got {self.pixels}")

    def check(self, spec: Mapping[str, TensorSpec]) -> None:
        super().check(spec)
        for name in self.fields:
            if spec[name].rank < 3:
                raise ValueError(f"shift moves fields of shape (batch, …, height, width), but '{name}' is {spec[name]}")

    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        down = random.integers(0, 2 * self.pixels + 1, stream=0)
        right = random.integers(0, 2 * self.pixels + 1, stream=1)
        return {name: self._moved(fields[name], down, right) for name in self.fields}

    def _moved(self, images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Cut each row out of its zero-padded self; the window at offset `pixels` is the row unmoved."""
        margin = [(0, 0)] * (images.ndim - 2) + [(self.pixels, self.pixels)] * 2
        windows = sliding_window_view(np.pad(images, margin), images.shape[-2:], axis=(-2, -1))
        return windows[np.arange(len(images)), ..., down, right, :, :]
