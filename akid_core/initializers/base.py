"""Initializer: how a parameter starts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from akid_core.random import Key
from akid_core.specs.names import snake_case
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class Initializer(ABC):
    """Values of a parameter as a pure function of (seed, parameter path), computed in NumPy for every backend."""

    @classmethod
    def component(cls) -> str:
        return snake_case(cls.__name__)

    @abstractmethod
    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        """float64 of `spec.shape`, in canonical layout."""
