"""Xavier Glorot's initialization (also called by his first name), which keeps the variance of signals and of gradients.

Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
(equation 12: variance 2 / (fan_in + fan_out)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from akid_core.initializers.base import Initializer
from akid_core.initializers.draw import normal, uniform
from akid_core.random import Key
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class GlorotUniform(Initializer):
    """Uniform within sqrt(6 / (fan_in + fan_out)) of 0."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return uniform(spec.shape, key, math.sqrt(6.0 / (spec.fan_in + spec.fan_out)))


@dataclass(frozen=True, kw_only=True)
class GlorotNormal(Initializer):
    """Normal around 0 with variance 2 / (fan_in + fan_out)."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return normal(spec.shape, key, math.sqrt(2.0 / (spec.fan_in + spec.fan_out)))
