"""He's initialization, for layers that a relu follows.

Source: He et al., "Delving deep into rectifiers", 2015 (equation 10: variance 2 / fan_in).
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
class HeUniform(Initializer):
    """Uniform within sqrt(6 / fan_in) of 0: variance 2 / fan_in."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return uniform(spec.shape, key, math.sqrt(6.0 / spec.fan_in))


@dataclass(frozen=True, kw_only=True)
class HeNormal(Initializer):
    """Normal around 0 with variance 2 / fan_in."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return normal(spec.shape, key, math.sqrt(2.0 / spec.fan_in))
