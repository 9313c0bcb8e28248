"""Pad: pictures with a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Specs
from akid_core.specs.tensor import Dimension
from akid_datasets.pictures.engine import Move, check_fill
from akid_datasets.pictures.pairs import pair
from akid_datasets.pictures.values import with_row
from akid_datasets.pictures.window import Fill, Window


@dataclass(frozen=True, kw_only=True)
class Pad(Move):
    """Lay `pixels` around each picture, above and below, left and right, or one number for all.

    Their value is `fill`, or one for each channel. Nothing is random: it is done to the pictures to evaluate too.

    `fields`: each (batch, …, height, width) of any type -> (batch, …, height + 2 pixels, width + 2 pixels).
    """

    pixels: int | tuple[int, int] = 4
    fill: Fill = 0.0

    def __post_init__(self) -> None:
        if min(pair(self.pixels)) < 0:
            raise ValueError(f"pixels must be at least 0, got {self.pixels}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_fill(self.fill, spec, self.fields)

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{name: with_row(spec[name], *self._framed(spec[name].shape[1:])) for name in self.fields}}

    def evaluation(self) -> Self:
        return self

    def window(self, random: Draws, height: int, width: int) -> Window:
        (above, left), rows = pair(self.pixels), len(random)
        whole = Window.whole(rows, height + 2 * above, width + 2 * left)
        return replace(whole, top=np.full(rows, -above), left=np.full(rows, -left), fill=self.fill, fills=True)

    def _framed(self, row: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
        """The sizes of a row afterwards; one that is not known stays so, under another name."""
        return row[:-2] + tuple(
            size + 2 * more if isinstance(size, int) else f"{size}+{2 * more}"
            for size, more in zip(row[-2:], pair(self.pixels), strict=True)
        )
