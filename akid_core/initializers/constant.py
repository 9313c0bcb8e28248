"""The same value everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.initializers.base import Initializer
from akid_core.random import Key
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class Constant(Initializer):
    """Every element is `value`."""

    value: float

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return np.full(spec.shape, self.value, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Zeros(Initializer):
    """Every element is 0."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return np.zeros(spec.shape)


@dataclass(frozen=True, kw_only=True)
class Ones(Initializer):
    """Every element is 1."""

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return np.ones(spec.shape)
