"""Zipped: several sources side by side, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from akid_core.data.batch import Batch
from akid_core.data.combined.parts import check_part, joint_about, joint_fingerprint, of_split
from akid_core.data.sampler import Sampler
from akid_core.data.source import About, Source
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Zipped(Source):
    """Row i of each of several `sources`, by name, as one row with the fields of all.

    A field that several sources have is called `name/field`, such as `left/image` and `right/image`; others keep their
    names. The sources have equally many rows in a split, or the split does not exist: none.
    """

    sources: Mapping[str, Source]

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("there must be at least one source to zip")
        for source in self.sources.values():
            check_part(source)

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {joint: self._parts[name].spec[own] for joint, (name, own) in self._fields.items()}

    def __len__(self) -> int:
        sizes = {name: len(source) for name, source in self._parts.items()}
        if len({*sizes.values(), 0}) > 2:
            listed = ", ".join(f"'{name}' has {size}" for name, size in sizes.items())
            raise DataError(
                f"Sources that are zipped need equally many rows, but in the split '{self.split}' {listed}; cut them "
                f"to one length, such as by {{subset: {{source: …, first: {min(sizes.values())}}}}}."
            )
        return min(sizes.values())

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        read = {name: source.rows(indices) for name, source in self._parts.items()}
        return {joint: read[name][own] for joint, (name, own) in self._fields.items()}

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        source, own = self._fields[name]
        return self._parts[source].field_rows(own, indices)

    def fingerprint(self) -> str:
        return joint_fingerprint(self._parts.values(), list(self._parts))

    @property
    def in_memory(self) -> bool:
        return all(source.in_memory for source in self._parts.values())

    @property
    def sequential(self) -> bool:
        return any(source.sequential for source in self._parts.values())

    @property
    def live_only(self) -> bool:
        return any(source.live_only for source in self.sources.values())

    def order(self) -> Sampler | None:
        """That of the first source that says one, unless some can only be read as they lie."""
        orders = (source.order() for source in self._parts.values())
        return super().order() or next((order for order in orders if order is not None), None)

    def fetch(self) -> None:
        for source in self._parts.values():
            source.fetch()

    def about(self) -> About:
        return joint_about(self.sources.values())

    @cached_property
    def _parts(self) -> Mapping[str, Source]:
        return {name: of_split(source, self.split) for name, source in self.sources.items()}

    @cached_property
    def _fields(self) -> Mapping[str, tuple[str, str]]:
        """For each field the source that it is from, and what it is called there."""
        known = Counter(field for source in self._parts.values() for field in source.spec)
        if known[Batch.WEIGHTS] > 1:
            raise ConfigurationError(
                f"More than one of the sources {', '.join(map(repr, self._parts))} has the field '{Batch.WEIGHTS}', "
                f"but a row counts once; zip only one source with such a field."
            )
        return {
            f"{name}/{field}" if known[field] > 1 else field: (name, field)
            for name, source in self._parts.items()
            for field in source.spec
        }
