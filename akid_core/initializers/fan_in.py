"""Uniform values whose range shrinks with the number of inputs of a unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from akid_core.initializers.base import Initializer
from akid_core.initializers.draw import uniform
from akid_core.random import Key
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class Default(Initializer):
    """Uniform within 1 / sqrt(fan_in) of 0. Source: LeCun et al., "Efficient BackProp", 1998."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return uniform(spec.shape, key, 1.0 / math.sqrt(spec.fan_in))


@dataclass(frozen=True, kw_only=True)
class UniformUnitScaling(Initializer):
    """Uniform within factor * sqrt(3 / fan_in) of 0, so that outputs keep the scale of the inputs.

    `factor` is the standard deviation of an output for inputs of unit variance. Source: Sussillo and Abbott,
    "Random walk initialization for training very deep feedforward networks", 2014, who give the factors of activations.
    """

    factor: float = 1.0

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return uniform(spec.shape, key, self.factor * math.sqrt(3.0 / spec.fan_in))
