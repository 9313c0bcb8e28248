"""RandomResizedCrop: a part of each picture, of any size, made one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Chain, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.crop import Crop
from akid_datasets.augmenters.resize import Resize, resized
from akid_datasets.augmenters.warp import Method
from akid_datasets.pictures.pairs import check_size, pair
from akid_datasets.pictures.values import between, check_one_size, check_pictures, with_row

_TRIES = 10
_SHORTER_SIDE = 8 / 7
"""To evaluate, pictures are made so much larger than the part that is cut out: 256 pixels for 224."""


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop(Augmenter):
    """Cut a part out of each picture, anywhere and of any proportions, and make it of one `size` (C. Szegedy, 2015).

    `size`: (height, width), or one number for both. `area`: the part's share of the picture is drawn uniformly between
    these two; `ratio`: its width divided by its height, the logarithm uniformly. Of ten such parts the first that fits
    into the picture is taken, else the largest in the middle of a ratio within the bounds. `method` and `antialias` are
    those of `resize`. To evaluate, the shorter side is made 8/7 of the size (256 for 224), and the middle cut out.

    `fields`: each (batch, …, height, width) of any type, all of one height and width -> (batch, …, *size).
    """

    size: int | tuple[int, int]
    area: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    method: Method = "bilinear"
    antialias: bool = True

    def __post_init__(self) -> None:
        check_size(self.size)
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"area must be two shares above 0 and up to 1, the smaller first, got {self.area}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio must be two numbers above 0, the smaller first, got {self.ratio}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)
        check_one_size(spec, self.fields, "part")

    def outputs(self, spec: Specs) -> Specs:
        size = pair(self.size)
        return {**spec, **{name: with_row(spec[name], *spec[name].shape[1:-2], *size) for name in self.fields}}

    def evaluation(self) -> Chain:
        side = round(max(pair(self.size)) * _SHORTER_SIDE)
        larger = Resize(fields=self.fields, size=side, method=self.method, antialias=self.antialias)
        return Chain(name=self.name, augment=(larger, Crop(fields=self.fields, size=self.size, centre=True)))

    def apply(self, fields: Fields, random: Draws) -> Fields:
        parts = self._parts(random, *fields[self.fields[0]].shape[-2:])
        return {name: self._resized(fields[name], parts) for name in self.fields}

    def _resized(self, pictures: np.ndarray, parts: np.ndarray) -> np.ndarray:
        result = np.empty((*pictures.shape[:-2], *pair(self.size)), pictures.dtype)
        for row, (top, left, height, width) in enumerate(parts):
            part = pictures[row, ..., top : top + height, left : left + width]
            result[row] = resized(part, pair(self.size), self.method, antialias=self.antialias)
        return result

    def _parts(self, random: Draws, height: int, width: int) -> np.ndarray:
        """The part of each picture: (n, 4) int64, its top, left, height and width."""
        area = height * width * between(*self.area, random.uniform(0, (_TRIES,)))
        flattest, widest = np.log(self.ratio)
        ratio = np.exp(between(flattest, widest, random.uniform(1, (_TRIES,))))
        high, wide = (np.rint(np.sqrt(sides)).astype(np.int64) for sides in (area / ratio, area * ratio))
        fits = (high > 0) & (high <= height) & (wide > 0) & (wide <= width)
        tried = np.arange(len(fits)), fits.argmax(axis=1)
        middle = self._middle(height, width)
        found = fits.any(axis=1)
        high, wide = (np.where(found, sides[tried], side) for sides, side in zip((high, wide), middle, strict=True))
        places = []
        for stream, room in enumerate((height - high, width - wide), start=4):
            anywhere = np.floor(random.uniform(stream) * (room + 1)).astype(np.int64)
            places.append(np.where(found, anywhere, room // 2))
        return np.stack([*places, high, wide], axis=1)

    def _middle(self, height: int, width: int) -> tuple[int, int]:
        """The height and width of the largest part with a ratio within the bounds."""
        least, most = self.ratio
        if width < least * height:
            return min(height, max(1, round(width / least))), width
        if width > most * height:
            return height, min(width, max(1, round(height * most)))
        return height, width
