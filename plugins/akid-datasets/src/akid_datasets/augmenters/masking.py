"""Masking: sequences with places left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.specs import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Masking(Augmenter):
    """Put `value` in random places of each sequence: each place with a `chance`, or exactly `count` places of a row.

    `mask`: the name of a new field (batch, time) bool that is true where something was put; none without a name. With
    one, the batches to evaluate have it too, and nothing is left out of them; where a brain shall guess what is missing
    in evaluation as well, give this augmenter in `eval_augment`: there it always leaves out the same.

    `fields`: each (batch, time, …) of any type, all of one length; the places of a row are the same in all of them.
    """

    fields: tuple[str, ...] = ("text",)
    value: float = 0
    chance: float | None = None
    count: int | None = None
    mask: str | None = None

    def __post_init__(self) -> None:
        if (self.chance is None) == (self.count is None):
            raise ValueError(f"give either a chance or a count of places, got {self.chance} and {self.count}")
        if self.chance is not None and not 0 <= self.chance <= 1:
            raise ValueError(f"chance must be from 0 to 1, got {self.chance}")
        if self.count is not None and self.count < 0:
            raise ValueError(f"count must be at least 0, got {self.count}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            given = spec[name]
            if given.rank < 2 or given.shape[1] != spec[self.fields[0]].shape[1]:
                raise ValueError(f"it changes sequences (batch, time, …) of one length, but '{name}' is {given}")
            if not _holds(given.dtype, self.value):
                raise ValueError(f"the value {self.value} cannot be written into '{name}', which is {given}")
        if self.mask in spec:
            raise ValueError(f"the mask would replace the field '{self.mask}': give it another name")

    def outputs(self, spec: Specs) -> Specs:
        if self.mask is None:
            return spec
        return {**spec, self.mask: TensorSpec(spec[self.fields[0]].shape[:2], "bool")}

    def evaluation(self) -> Self | None:
        return None if self.mask is None else replace(self, chance=0.0, count=None)

    def apply(self, fields: Fields, random: Draws) -> Fields:
        hidden = self._hidden(fields[self.fields[0]].shape[1], random)
        changed = {}
        for name in self.fields:
            changed[name] = fields[name].copy()
            changed[name][hidden] = self.value
        return changed if self.mask is None else {**changed, self.mask: hidden}

    def _hidden(self, time: int, random: Draws) -> np.ndarray:
        """(n, time) bool: the places to put the value in."""
        uniform = random.uniform(0, (time,))
        if self.chance is not None:
            return uniform < self.chance
        hidden = np.zeros(uniform.shape, bool)
        np.put_along_axis(hidden, uniform.argsort(axis=1, kind="stable")[:, : self.count], True, axis=1)
        return hidden


def _holds(dtype: str, value: float) -> bool:
    """Whether values of a type can be this one."""
    if dtype == "bool":
        return value in (0, 1)
    if dtype.startswith(("int", "uint")):
        limits = np.iinfo(dtype)
        return float(value).is_integer() and limits.min <= value <= limits.max
    return True
