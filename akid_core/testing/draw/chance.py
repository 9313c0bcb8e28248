"""Chance: what the families draw from."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

T = TypeVar("T")


class Chance:
    """A generator with the words of this package; `number` walks through alternatives."""

    def __init__(self, random: np.random.Generator, number: int) -> None:
        self.random, self.number = random, number

    def size(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return int(self.random.integers(low, high + 1))

    def sizes(self, low: int, high: int, count: int) -> tuple[int, ...]:
        return tuple(self.size(low, high) for _ in range(count))

    def one_of(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def turn(self, *choices: T) -> T:
        """The alternatives in turn, so that a sweep has as many of each."""
        return choices[self.number % len(choices)]

    def number_from(self, low: float, high: float) -> float:
        return round(float(self.random.uniform(low, high)), 3)

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * self.random.normal(size=shape)).astype(np.float32)

    def whole(self, *shape: int) -> np.ndarray:
        """Whole numbers from -2 to 2, so that there are ties."""
        return self.random.integers(-2, 3, shape).astype(np.float32)

    def values(self, *shape: int) -> np.ndarray:
        """Usual values, those with ties, or large ones."""
        made: np.ndarray = self.one_of(self.normal, self.normal, self.whole, self._large)(*shape)
        return made

    def _large(self, *shape: int) -> np.ndarray:
        return self.normal(*shape, scale=10.0)

    def rows(self) -> int:
        return self.turn(5, 5, 5, 2, 1)


def trial(layer: Layer, *inputs: np.ndarray, axes: str = "") -> Trial:
    """A layer of these inputs, the batch first; `axes` of the first one."""
    specs: list[Any] = [TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs]
    specs[0] = TensorSpec(specs[0].shape, specs[0].dtype, axes)
    return Trial(layer=layer, in_specs=tuple(specs), inputs=inputs, batch=len(inputs[0]))
