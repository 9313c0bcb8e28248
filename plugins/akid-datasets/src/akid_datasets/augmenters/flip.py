"""Flip: pictures the other way round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from akid_core.data import Draws
from akid_datasets.pictures.engine import Move
from akid_datasets.pictures.window import Window


@dataclass(frozen=True, kw_only=True)
class Flip(Move):
    """Turn each picture round with a `chance`: left and right change places (horizontal), or top and bottom (vertical).

    `fields`: each (batch, …, height, width) of any type; the fields of a row are turned together, as image and mask
    must. Where the chance is 1 the pictures to evaluate are turned too.
    """

    direction: Literal["horizontal", "vertical"] = "horizontal"
    chance: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance must be from 0 to 1, got {self.chance}")

    def evaluation(self) -> Self | None:
        return self if self.chance == 1 else None

    def window(self, random: Draws, height: int, width: int) -> Window:
        turned: np.ndarray = random.uniform() < self.chance
        whole = Window.whole(len(turned), height, width)
        if self.direction == "vertical":
            return replace(whole, upside_down=turned)
        return replace(whole, mirrored=turned)
