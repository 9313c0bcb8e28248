"""Draws that a test has chosen, and rows augmented with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from akid_core.data import Augmenter, Draws


class Chosen(Draws):
    """The uniform numbers of each stream are `uniform[stream]` (n, …); integers are drawn by them."""

    def __init__(self, uniform: Mapping[int, object]) -> None:
        self.chosen = {stream: np.array(values, np.float64) for stream, values in uniform.items()}
        super().__init__(0, "chosen", 0, np.arange(len(next(iter(self.chosen.values())))))

    def uniform(self, stream: int = 0, shape: tuple[int, ...] = ()) -> np.ndarray:
        return self.chosen[stream]

    def integers(self, low: int, high: int, stream: int = 0) -> np.ndarray:
        return low + np.floor(self.chosen[stream] * (high - low)).astype(np.int64)


def changed(augmenter: Augmenter, values: np.ndarray, *uniform: object, field: str = "image") -> np.ndarray:
    """The field after the augmenter, which draws the given numbers, `uniform[stream]` for each row."""
    random = Chosen(dict(enumerate(uniform))) if uniform else Draws(0, "chosen", 0, np.arange(len(values)))
    result: np.ndarray = augmenter.apply({field: values}, random)[field]
    return result
