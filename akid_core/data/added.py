"""Augmenters that add a field to the batch: numbers to begin with, or a field as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from akid_core.data.augmenter import Augmenter, Fields, Specs
from akid_core.data.draws import Draws
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Latent(Augmenter):
    """Add fields of numbers, normally distributed with mean 0 and variance 1, for a Brain that makes something of them.

    `shape`: of the numbers of one row. They are drawn anew in each epoch, and in evaluation are the same each time.

    `fields`: what the new fields are called, each (batch, *shape) float32.
    """

    fields: tuple[str, ...] = ("noise",)
    shape: tuple[int, ...] = (64,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if not self.shape or min(self.shape) < 1:
            raise ValueError(f"shape is the sizes of one row, each at least 1, got {self.shape}")

    def check(self, spec: Specs) -> None:
        check_new(self.fields, spec)

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{name: TensorSpec(("N", *self.shape), "float32") for name in self.fields}}

    def evaluation(self) -> Self:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: random.normal(stream, self.shape).astype(np.float32) for stream, name in enumerate(self.fields)}


@dataclass(frozen=True, kw_only=True)
class Copy(Augmenter):
    """Add a copy of each field under another name, so that augmenters behind it leave one of the two as it was.

    `fields`, `to`: what is copied, each (batch, …) of any type, and what the copies are called.
    """

    to: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "to", tuple(self.to))
        if len(self.to) != len(self.fields):
            raise ValueError(f"each of the fields {self.fields} needs a name for its copy, got {self.to}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_new(self.to, spec)

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{new: spec[name] for name, new in zip(self.fields, self.to, strict=True)}}

    def evaluation(self) -> Self:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {new: fields[name].copy() for name, new in zip(self.fields, self.to, strict=True)}


def check_new(names: tuple[str, ...], spec: Specs) -> None:
    """Raise `ValueError` for a new field that is called like one that there is."""
    for name in names:
        if name in spec:
            raise ValueError(f"it would add the field '{name}', which a batch has already: give it another name")
