"""Crop: a part of each picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Specs
from akid_datasets.pictures.engine import Move, check_fill
from akid_datasets.pictures.pairs import check_size, pair
from akid_datasets.pictures.values import with_row
from akid_datasets.pictures.window import Fill, Window


@dataclass(frozen=True, kw_only=True)
class Crop(Move):
    """Cut a part out of each picture, at a random place, or in the middle with `centre`.

    `size`: height and width of the part in pixels, or one number for both; None: as large as the picture, for which
    there must be `pad`. `pad`: how many pixels are laid around the picture first, above and below, left and right, or
    one number for all; their value is `fill`, or one for each channel. All places are equally frequent. Where the
    middle lies between two pixels, the upper and the left one is taken.

    `fields`: each (batch, …, height, width) of any type -> (batch, …, *size); the fields of a row are cut at the same
    place, as image and mask must, and need the same height and width. To evaluate, the middle is cut out.
    """

    size: int | tuple[int, int] | None = None
    pad: int | tuple[int, int] = 0
    fill: Fill = 0.0
    centre: bool = False

    def __post_init__(self) -> None:
        if self.size is not None:
            check_size(self.size)
        if min(pair(self.pad)) < 0:
            raise ValueError(f"pad must be at least 0, got {self.pad}")
        if self.size is None and (self.centre or not any(pair(self.pad))):
            raise ValueError(
                "this crop would leave every picture as it is: give it a size, or a pad around the picture"
            )

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_fill(self.fill, spec, self.fields)
        sizes = {spec[name].shape[-2:] for name in self.fields}
        if len(sizes) > 1:
            raise ValueError(
                f"the fields {', '.join(self.fields)} are cut at one place, but their sizes differ: {sizes}"
            )
        ((height, width),) = sizes
        if isinstance(height, int) and isinstance(width, int):
            self._room(height, width)

    def outputs(self, spec: Specs) -> Specs:
        if self.size is None:
            return spec
        size = pair(self.size)
        return {**spec, **{name: with_row(spec[name], *spec[name].shape[1:-2], *size) for name in self.fields}}

    def evaluation(self) -> Self | None:
        return None if self.size is None else replace(self, centre=True)

    def window(self, random: Draws, height: int, width: int) -> Window:
        size = (height, width) if self.size is None else pair(self.size)
        starts = []
        for stream, (room, pad) in enumerate(zip(self._room(height, width), pair(self.pad), strict=True)):
            place = np.full(len(random), room // 2) if self.centre else random.integers(0, room + 1, stream)
            starts.append(place - pad)
        whole = Window.whole(len(starts[0]), *size)
        return replace(whole, top=starts[0], left=starts[1], fill=self.fill, fills=any(pair(self.pad)), drops=True)

    def _room(self, height: int, width: int) -> tuple[int, int]:
        """How far the part can be moved down and to the right. Raises `ValueError` where it does not fit at all."""
        (high, wide), (above, left) = ((height, width) if self.size is None else pair(self.size)), pair(self.pad)
        room = (height + 2 * above - high, width + 2 * left - wide)
        if min(room) < 0:
            raise ValueError(
                f"a part of {high}x{wide} pixels cannot be cut out of pictures of {height}x{width} with a pad of "
                f"{above} and {left}; take a smaller size or a larger pad"
            )
        return room
