"""Shift: images that are not quite where they were."""

from __future__ import annotations

from dataclasses import dataclass, replace

from akid_core.data import Draws
from akid_datasets.pictures.engine import Move
from akid_datasets.pictures.window import Window


@dataclass(frozen=True, kw_only=True)
class Shift(Move):
    """Move each row by whole pixels, -`pixels` to `pixels` along each of the last two axes; zeros fill the gap.

    `fields`: each (batch, …, height, width) of any type; the fields of a row move together, as image and mask must.
    """

    pixels: int = 1

    def __post_init__(self) -> None:
        if self.pixels < 1:
            raise ValueError(f"pixels must be at least 1, got {self.pixels}")

    def window(self, random: Draws, height: int, width: int) -> Window:
        top, left = (random.integers(0, 2 * self.pixels + 1, stream) - self.pixels for stream in (0, 1))
        return replace(Window.whole(len(top), height, width), top=top, left=left, fills=True, drops=True)
