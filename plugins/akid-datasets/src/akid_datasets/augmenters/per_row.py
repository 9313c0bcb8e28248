"""PerRow: a function of your own, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.specs.target import check_target, imported_target
from akid_datasets.augmenters.one_by_one import Gives, check_gives, given_specs, one_by_one


@dataclass(frozen=True, kw_only=True)
class PerRow(Augmenter):
    """Change each row by a function of your own, named by its import path: `function="my_module:change"`.

    It is called as function(row, generator): `row` a dictionary of the `fields` of one row (copies, without the batch),
    `generator` a `numpy.random.Generator` seeded for this row and epoch. It gives a dictionary of the fields that it
    changes. Whatever is drawn from the generator alone is the same for all batch sizes, threads and processes.

    `gives`: by field, the shape and dtype of a row where they change, or of a new field: {image: {shape: [3, 8, 8]}}.
    `evaluate`: it is called for rows to evaluate too, with the same generators each time, as it always is where `gives`
    says that fields change; else such rows stay as they are.
    """

    function: str
    gives: Mapping[str, Gives] = field(default_factory=dict)
    evaluate: bool = False

    def __post_init__(self) -> None:
        check_target(self.function)

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_gives(self.gives, spec)
        imported_target(self.function, self.component())

    def outputs(self, spec: Specs) -> Specs:
        return given_specs(self.gives, spec)

    def evaluation(self) -> Self | None:
        return self if self.evaluate or self.gives else None

    def apply(self, fields: Fields, random: Draws) -> Fields:
        function: Any = imported_target(self.function, self.component())

        def change(row: dict[str, np.ndarray], seed: int) -> Mapping[str, np.ndarray]:
            made: Mapping[str, np.ndarray] = function(row, np.random.default_rng(seed))
            return made

        return one_by_one(change, fields, self.fields, self.gives, random, self.function)
