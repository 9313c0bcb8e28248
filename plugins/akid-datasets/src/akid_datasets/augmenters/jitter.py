"""Jitter: series that were measured a little differently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.pictures.values import check_floating, restored, working


@dataclass(frozen=True, kw_only=True)
class Jitter(Augmenter):
    """Scale each series and add noise: (1 + `scale` * g) * x + `noise` * h, with normally distributed g and h.

    Each row and channel has one g, each value an h of its own: a sensor of another gain, and its noise (T. T. Um,
    "Data augmentation of wearable sensor data", 2017). `noise` is in the units of the series, a standard deviation.

    `fields`: each (batch, time) or (batch, time, channels …) floating, of the same type afterwards.
    """

    fields: tuple[str, ...] = ("series",)
    noise: float = 0.05
    scale: float = 0.1

    def __post_init__(self) -> None:
        if self.noise < 0 or self.scale < 0:
            raise ValueError(f"noise and scale must be at least 0, got {self.noise} and {self.scale}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_floating(spec, self.fields)
        for name in self.fields:
            if spec[name].rank < 2:
                raise ValueError(f"it changes series (batch, time, …), but '{name}' is {spec[name]}")

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: self._jittered(fields[name], random, 2 * number) for number, name in enumerate(self.fields)}

    def _jittered(self, given: np.ndarray, random: Draws, stream: int) -> np.ndarray:
        values = working(given)
        gain = 1 + self.scale * random.normal(stream, (1, *given.shape[2:]))
        noise = self.noise * random.normal(stream + 1, given.shape[1:])
        values *= gain.astype(values.dtype)
        values += noise.astype(values.dtype)
        return restored(values, given.dtype)
