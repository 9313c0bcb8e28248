"""Whiten: each picture with mean 0 and variance 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Fields
from akid_datasets.augmenters.centring import centred
from akid_datasets.augmenters.standardising import Standardising
from akid_datasets.pictures.ranges import floating
from akid_datasets.pictures.values import beside, restored


@dataclass(frozen=True, kw_only=True)
class Whiten(Standardising):
    """Standardise each picture by itself, to train and to evaluate: (x - mean) / max(std, 1 / sqrt(n)).

    Mean and standard deviation are over all n values of a row. The bound keeps a picture of one colour finite: it
    becomes 0 (the rule of TensorFlow's `tf.image.per_image_standardization`).

    `fields`: each (batch, …) uint8, taken as 0 to 255, -> float32, or floating, of the same type.
    """

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: _whitened(fields[name]) for name in self.fields}


def _whitened(given: np.ndarray) -> np.ndarray:
    values, variance = centred(given)
    least = 1 / math.sqrt(max(1, math.prod(given.shape[1:])))
    values /= beside(np.maximum(np.sqrt(variance), least), values)
    return restored(values, floating(given.dtype))
