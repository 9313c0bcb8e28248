"""GCN: global contrast normalisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Fields
from akid_datasets.augmenters.centring import centred
from akid_datasets.augmenters.standardising import Standardising
from akid_datasets.pictures.ranges import floating
from akid_datasets.pictures.values import beside, restored


@dataclass(frozen=True, kw_only=True)
class GCN(Standardising):
    """Give all pictures the same contrast, to train and to evaluate: scale * (x - mean) / max(epsilon, contrast).

    The contrast is sqrt(`bias` + mean of (x - mean)^2), with means over all values of a row (I. Goodfellow, Y. Bengio,
    A. Courville, "Deep Learning", 2016, equation 12.3). Without a bias a picture of almost one colour becomes all
    noise; 10 is common for small pictures of 0 to 255, before `zca`.

    `fields`: each (batch, …) uint8, taken as 0 to 255, -> float32, or floating, of the same type.
    """

    scale: float = 1.0
    bias: float = 0.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        if not (self.scale > 0 and self.bias >= 0 and self.epsilon > 0):
            raise ValueError(
                f"scale and epsilon must be above 0 and bias at least 0, got scale={self.scale}, "
                f"epsilon={self.epsilon}, bias={self.bias}"
            )

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: self._normalised(fields[name]) for name in self.fields}

    def _normalised(self, given: np.ndarray) -> np.ndarray:
        values, variance = centred(given)
        values *= beside(self.scale / np.maximum(np.sqrt(self.bias + variance), self.epsilon), values)
        return restored(values, floating(given.dtype))
