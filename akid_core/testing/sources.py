"""SourceSuite: what every Source promises, as tests to subclass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from akid_core.data.source import Source, Split
from akid_core.specs import TensorSpec

_MOST = 64  # rows that a test reads, so that large sources are tested as fast as small ones


class SourceSuite(ABC):
    """Subclass it under a name that starts with `Test`, and say what is tested::

    class TestDigits(SourceSuite):
        splits = ("train", "val", "test")

        def source(self) -> Source:
            return Digits()
    """

    splits: ClassVar[tuple[Split, ...]] = ("train",)
    """The splits that must have rows."""

    @abstractmethod
    def source(self) -> Source:
        """The Source under test, of any split."""

    def test_spec_has_the_batch_first(self) -> None:
        for split, source in self._sources():
            assert source.spec, f"{split}: no fields"
            for name, spec in source.spec.items():
                assert spec.shape[:1] == ("N",), f"{split}: the first dimension of '{name}' must be 'N', it is {spec}"

    def test_splits_share_fields(self) -> None:
        specs = {split: dict(source.spec) for split, source in self._sources()}
        for split, spec in specs.items():
            assert spec == specs[self.splits[0]], f"{split} has other fields than {self.splits[0]}"

    def test_stated_splits_have_rows(self) -> None:
        for split, source in self._sources():
            assert len(source) > 0, f"{split} has no rows"

    def test_rows_are_what_the_spec_says(self) -> None:
        for _, source in self._sources():
            some = self._some(source)
            for indices in (some, some[:1], some[:0]):
                _assert_fits(source.rows(indices), source.spec, len(indices))

    def test_rows_come_in_the_order_asked(self) -> None:
        for split, source in self._sources():
            some = self._some(source)
            mixed = np.concatenate([some[::-1], some[:1], some])
            one_by_one = [source.rows(mixed[place : place + 1]) for place in range(len(mixed))]
            for name, values in source.rows(mixed).items():
                for place, row in enumerate(one_by_one):
                    assert np.array_equal(values[place], row[name][0], equal_nan=values.dtype.kind == "f"), (
                        f"{split}: '{name}' of row {mixed[place]} depends on the rows that are read with it"
                    )

    def test_a_field_alone_is_as_among_the_others(self) -> None:
        for split, source in self._sources():
            some = self._some(source)
            for indices in (some[::-1], some[:0]):
                for name, values in source.rows(indices).items():
                    alone = source.field_rows(name, indices)
                    assert alone.dtype == values.dtype, f"{split}: '{name}' alone is {alone.dtype}, not {values.dtype}"
                    assert np.array_equal(alone, values, equal_nan=values.dtype.kind == "f"), (
                        f"{split}: '{name}' alone differs from what it is among all fields"
                    )

    def test_rows_belong_to_the_reader(self) -> None:
        for split, source in self._sources():
            some = self._some(source)
            before = {name: values.copy() for name, values in source.rows(some).items()}
            for values in source.rows(some).values():
                if values.flags.writeable:
                    values.fill(1)
            for name, values in source.rows(some).items():
                assert np.array_equal(values, before[name], equal_nan=values.dtype.kind == "f"), (
                    f"{split}: writing into the rows that were read changed '{name}' in the Source"
                )

    def _sources(self) -> list[tuple[Split, Source]]:
        return [(split, replace(self.source(), split=split)) for split in self.splits]

    @staticmethod
    def _some(source: Source) -> np.ndarray:
        """The first and the last row and some between, in order."""
        return np.unique(np.linspace(0, len(source) - 1, _MOST).astype(np.int64))


def _assert_fits(rows: Mapping[str, np.ndarray], spec: Mapping[str, TensorSpec], count: int) -> None:
    assert set(rows) == set(spec), f"fields {sorted(rows)} instead of {sorted(spec)}"
    for name, values in rows.items():
        expected = spec[name]
        assert values.dtype == expected.dtype, f"'{name}' is {values.dtype} instead of {expected.dtype}"
        assert len(values) == count, f"'{name}' has {len(values)} rows instead of {count}"
        assert values.shape[1:] == expected.row, f"a row of '{name}' is {values.shape[1:]} instead of {expected.row}"
