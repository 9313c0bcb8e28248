"""OneHot: classes as probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.formats.numbers import no_class


@dataclass(frozen=True, kw_only=True)
class OneHot(Augmenter):
    """Write labels, to train and to evaluate, as probabilities of `classes` classes: 1 for their class, else 0.

    `fields`: each (batch, …) integers from 0 to classes - 1 -> (batch, …, classes) float32. What already holds
    probabilities, floating (batch, …, classes), stays as it is. Raises `DataError` for a label that names no class.
    """

    fields: tuple[str, ...] = ("label",)
    classes: int

    def __post_init__(self) -> None:
        if self.classes < 1:
            raise ValueError(f"classes must be at least 1, got {self.classes}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            check_labelled(spec[name], name, self.classes)

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{name: probable(spec[name], self.classes) for name in self.fields}}

    def evaluation(self) -> Self:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: probabilities(fields[name], self.classes, name) for name in self.fields}


def check_labelled(spec: TensorSpec, name: str, classes: int) -> None:
    """Raise `ValueError` unless a field holds integers, or probabilities of so many classes."""
    if not spec.dtype.startswith(("int", "uint")) and not (spec.floating and spec.shape[-1] == classes):
        raise ValueError(
            f"it takes integers that name classes, or floating probabilities of {classes} classes, but '{name}' is "
            f"{spec}"
        )


def probable(spec: TensorSpec, classes: int) -> TensorSpec:
    """What becomes of the spec of labels."""
    return spec if spec.floating else TensorSpec((*spec.shape, classes), "float32", spec.axes and f"{spec.axes}C")


def probabilities(labels: np.ndarray, classes: int, name: str) -> np.ndarray:
    """Integer labels (n, …) as float32 (n, …, classes); floating ones are taken as they are.

    Raises `DataError` for a label that names no class.
    """
    if labels.dtype.kind == "f":
        return labels.copy()
    wrong = no_class(labels, classes)
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise DataError(
            f"The field '{name}' holds {labels[wrong][0]} (row {row} of these {len(labels)}), which names none of "
            f"{classes} classes, 0 to {classes - 1}. Set classes to the number that there are, or leave such rows out."
        )
    result = np.zeros((*labels.shape, classes), np.float32)
    np.put_along_axis(result, labels[..., np.newaxis].astype(np.int64), 1.0, axis=-1)
    return result
