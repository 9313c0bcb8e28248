"""Normalize: channels of mean 0 and deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.pictures.engine import Pointwise
from akid_datasets.pictures.ranges import floating, in_floats, parts_of_range, within
from akid_datasets.pictures.statistics import STATISTICS, Name
from akid_datasets.pictures.values import restored

Numbers = float | tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Normalize(Pointwise):
    """Subtract the mean of a data set and divide by its standard deviation. Nothing is random.

    `mean`, `std`: of values of 0 to 1, one number for each channel (axis 1), or one for all. `statistics`: the name of
    a data set whose numbers are known, in their place.

    `fields`: each (batch, …) uint8, whose values are divided by 255 first -> float32, or floating -> of the same type.
    """

    mean: Numbers | None = None
    std: Numbers | None = None
    statistics: Name | None = None

    def __post_init__(self) -> None:
        if self.statistics is not None:
            if self.mean is not None or self.std is not None:
                raise ValueError("give statistics, or mean and std, not both")
            return
        if self.mean is None or self.std is None:
            raise ValueError(f"give mean and std, or the statistics of one of {', '.join(STATISTICS)}")
        mean, std = self._numbers()
        if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
            raise ValueError(f"mean must be finite and std greater than 0, got {self.mean} and {self.std}")
        if len({1, len(mean), len(std)}) > 2:
            raise ValueError(f"mean has {len(mean)} numbers and std {len(std)}; give as many for both, or one")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        channels = max(map(len, self._numbers()))
        for name in self.fields:
            given = spec[name]
            if given.dtype == "uint8" and self._numbers()[0].max() > 1:
                raise ValueError(f"mean and std are of values of 0 to 1, got a mean of {self.mean}: divide both by 255")
            if channels > 1 and (given.rank < 2 or given.shape[1] != channels):
                found = f"has {given.shape[1]} (axis 1)" if given.rank > 1 else "has no axis for them"
                raise ValueError(
                    f"mean and std are of {channels} channels, but '{name}', {given}, {found}: give one number for "
                    f"each channel, or one for all"
                )

    def outputs(self, spec: Specs) -> Specs:
        return in_floats(spec, self.fields)

    def evaluation(self) -> Self:
        return self

    def undone(self, fields: Fields) -> Fields:
        changed = {}
        for name in fields.keys() & set(self.fields):
            mean, std = self._beside(fields[name])
            changed[name] = fields[name] * std + mean
        return {**fields, **changed}

    def change(self, values: np.ndarray, random: Draws, seen: np.ndarray | None) -> np.ndarray:
        parts = parts_of_range(values)
        mean, std = self._beside(parts)
        parts = within(np.divide, within(np.subtract, parts, mean), std)
        return restored(parts, floating(values.dtype))

    def _beside(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation of the type of `values` (n, channels, …), in a shape that fits them."""
        shape = (-1, *(1,) * (values.ndim - 2))
        mean, std = (numbers.astype(values.dtype).reshape(shape) for numbers in self._numbers())
        return mean, std

    def _numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation, each (channels,) or (1,)."""
        known = self if self.statistics is None else STATISTICS[self.statistics]
        assert known.mean is not None
        assert known.std is not None
        return np.atleast_1d(known.mean), np.atleast_1d(known.std)
