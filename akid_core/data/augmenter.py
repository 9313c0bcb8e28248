"""Augmenter: changes a batch at random, reproducibly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from akid_core.random import derive_key, host_bits, host_uniform
from akid_core.specs.names import snake_case
from akid_core.specs.tensor import TensorSpec

_POSITION_BITS = 40  # 10^12 rows in an epoch, and 8 million epochs


class Draws:
    """Random numbers for the rows of a batch: one number for each row, from (seed, path, epoch, position) alone.

    A stream is one independent sequence: ask for another `stream` where an augmenter needs a second number of each row.
    """

    def __init__(self, seed: int, path: str, epoch: int, positions: np.ndarray) -> None:
        self._key = derive_key(seed, "augment", path)
        self._counters = (epoch << _POSITION_BITS) + positions

    def __len__(self) -> int:
        return len(self._counters)

    def uniform(self, stream: int = 0) -> np.ndarray:
        """(n,) float64, uniform in [0, 1)."""
        return host_uniform(self._key, self._counters, stream)

    def integers(self, low: int, high: int, stream: int = 0) -> np.ndarray:
        """(n,) int64, uniform in [low, high); the range is at most 2^31."""
        if not 0 < high - low <= 1 << 31:
            raise ValueError(f"integers are drawn from a range of 1 to 2^31 values, not from [{low}, {high})")
        words = host_bits(self._key, self._counters, 2 * stream).astype(np.int64)
        return low + ((words * (high - low)) >> 32)


@dataclass(frozen=True, kw_only=True)
class Augmenter(ABC):
    """Changes `fields` of many rows at once. Subclass it as a frozen dataclass.

    `name`: what its randomness is called by, unique in a Sensor; by default its component and count (`shift`,
    `shift_2`). Shapes and types of the fields stay as they are.
    """

    name: str | None = None
    fields: tuple[str, ...] = ("image",)

    @classmethod
    def component(cls) -> str:
        """The name of this class in YAML and in the registry."""
        return snake_case(cls.__name__)

    def check(self, spec: Mapping[str, TensorSpec]) -> None:
        """Raise `ValueError` with one sentence where the fields of the batch, `spec`, do not fit."""
        for name in self.fields:
            if name not in spec:
                known = ", ".join(f"'{field}'" for field in spec)
                raise ValueError(f"it changes the field '{name}', but a batch has the fields {known}")

    @abstractmethod
    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        """The changed ones of `fields`, each (n, …), as new arrays.

        A row's result must not depend on the rows that it shares a batch with: draw from `random`, one number a row.
        """


def augmenter_paths(augment: tuple[Augmenter, ...]) -> tuple[str, ...]:
    """The name of each augmenter in a Sensor. Raises `ValueError` where two have the same."""
    paths: list[str] = []
    seen: dict[str, int] = {}
    for augmenter in augment:
        component = augmenter.component()
        seen[component] = seen.get(component, 0) + 1
        default = component if seen[component] == 1 else f"{component}_{seen[component]}"
        path = augmenter.name or default
        if path in paths:
            raise ValueError(f"two augmenters are called '{path}'; give one of them another name")
        paths.append(path)
    return tuple(paths)
