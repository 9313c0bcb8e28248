"""Standardising: what augmenters have in common that compute with all values of a row, to train and to evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from akid_core.data import Augmenter
from akid_core.data.augmenter import Specs
from akid_datasets.pictures.ranges import in_floats
from akid_datasets.pictures.values import PICTURES, check_type


@dataclass(frozen=True, kw_only=True)
class Standardising(Augmenter):
    """Takes uint8 or floating fields (batch, …), gives floating ones, and is the same in evaluation."""

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            check_type(spec[name], name, PICTURES)

    def outputs(self, spec: Specs) -> Specs:
        return in_floats(spec, self.fields)

    def evaluation(self) -> Self:
        return self
