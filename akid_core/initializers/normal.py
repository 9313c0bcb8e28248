"""Normal values, whole or truncated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.initializers.base import Initializer
from akid_core.initializers.draw import counters, normal
from akid_core.random import Key, host_normal
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class Normal(Initializer):
    """Normal around `mean` with standard deviation `stddev`."""

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        check_stddev(self.stddev)

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        return normal(spec.shape, key, self.stddev) + self.mean


@dataclass(frozen=True, kw_only=True)
class TruncatedNormal(Initializer):
    """As `Normal`, with what lies more than two `stddev` from the mean drawn again.

    `stddev` is that of the whole distribution; what is left has 0.88 of it.
    """

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        check_stddev(self.stddev)

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        # Each attempt is a stream of its own, so that an element's value never depends on its neighbours.
        index = counters((spec.size,))
        drawn = host_normal(key, index)
        attempt, outside = 1, np.flatnonzero(np.abs(drawn) > 2.0)
        while outside.size:
            drawn[outside] = host_normal(key, index[outside], attempt)
            attempt, outside = attempt + 1, outside[np.abs(drawn[outside]) > 2.0]
        return (drawn * self.stddev + self.mean).reshape(spec.shape)


def check_stddev(stddev: float) -> None:
    """Raise `ValueError` for a standard deviation below 0."""
    if not stddev >= 0:
        raise ValueError(f"stddev is a standard deviation, at least 0, got {stddev!r}")
