"""Uniform values in a given range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.initializers.base import Initializer
from akid_core.initializers.draw import counters
from akid_core.random import Key, host_uniform
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class Uniform(Initializer):
    """Uniform in [`low`, `high`)."""

    low: float = -0.05
    high: float = 0.05

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"low must not lie above high, got low={self.low!r} and high={self.high!r}")

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return self.low + (self.high - self.low) * host_uniform(key, counters(spec.shape))
