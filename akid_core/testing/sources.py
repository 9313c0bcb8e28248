"""SourceSuite: what every Source promises, as tests to subclass."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from akid_core.config import decode, dump_yaml, encode, load_yaml
from akid_core.data.finite import first_not_finite
from akid_core.data.source import Source, Split
from akid_core.plugins import default_manager
from akid_core.specs import TensorSpec

_WHOLE, _MOST = 1024, 64
"""Sources of more rows are not read whole; most tests read only so many, so that large ones are tested as fast."""
_THREADS = 4


class SourceSuite(ABC):
    """Subclass it under a name that starts with `Test`, and say what is tested::

    class TestDigits(SourceSuite):
        splits = ("train", "val", "test")

        def source(self) -> Source:
            return Digits()
    """

    splits: ClassVar[tuple[Split, ...]] = ("train",)
    """The splits that must have rows."""
    sendable: ClassVar[bool] = True
    """Whether other processes can be given it; not so where it holds an object that cannot be pickled."""

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
            some = np.arange(len(source)) if len(source) <= _WHOLE else self._some(source)
            for indices in (some, some[:1], some[:0]):
                _assert_fits(source.rows(indices), source.spec, indices)

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

    def test_a_column_is_a_field_of_all_rows(self) -> None:
        for split, source in self._sources():
            some = self._some(source)
            rows = source.rows(some)
            for name in [name for name, spec in source.spec.items() if spec.rank == 1 or len(source) <= _WHOLE]:
                column = source.column(name)
                assert len(column) == len(source), f"{split}: the column '{name}' has {len(column)} rows"
                assert _same({name: column[some]}, {name: rows[name]}), f"{split}: the column '{name}' differs"

    def test_threads_may_read_at_once(self) -> None:
        for split, source in self._sources():
            parts = np.array_split(self._some(source), _THREADS) * _THREADS
            expected = [source.rows(part) for part in parts[:_THREADS]] * _THREADS
            with ThreadPoolExecutor(_THREADS) as pool:
                for rows, wanted in zip(pool.map(replace(source).rows, parts), expected, strict=True):
                    assert _same(rows, wanted), f"{split}: rows differ where several threads read at once"

    def test_it_can_be_sent_to_a_process(self) -> None:
        if not self.sendable:
            pytest.skip("it does not promise that")
        for split, source in self._sources():
            some = self._some(source)
            rows = source.rows(some)
            sent = pickle.loads(pickle.dumps(source))
            assert _same(sent.rows(some), rows), f"{split}: rows differ in another process"

    def test_is_a_frozen_dataclass(self) -> None:
        made = vars(type(self.source())).get("__dataclass_params__")
        assert made is not None, "the class is no dataclass: write @dataclass(frozen=True, kw_only=True) above it"
        assert made.frozen, "the dataclass is not frozen"

    def test_yaml_round_trip(self) -> None:
        source, registry = self.source(), default_manager().registry
        if source.live_only or not registry.provides("source", source.component(), type(source)):
            pytest.skip("it is not for YAML")
        described = encode(source, registry)
        read = decode("source", load_yaml(dump_yaml({"source": described}))["source"], registry, "source")
        assert encode(read, registry) == described, f"{encode(read, registry)} instead of {described}"
        some = self._some(source)
        assert _same(read.rows(some), source.rows(some)), f"other rows of the source that {described} describes"

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
        """The first and the last row and some between, evenly and at random, in order; all where there are few."""
        size = len(source)
        if size <= _MOST:
            return np.arange(size)
        even = np.linspace(0, size - 1, _MOST // 2).astype(np.int64)
        return np.unique(np.concatenate([even, np.random.default_rng(0).integers(size, size=_MOST // 2)]))


def _same(rows: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> bool:
    return rows.keys() == others.keys() and all(
        values.dtype == others[name].dtype and np.array_equal(values, others[name], equal_nan=values.dtype.kind == "f")
        for name, values in rows.items()
    )


def _assert_fits(rows: Mapping[str, np.ndarray], spec: Mapping[str, TensorSpec], indices: np.ndarray) -> None:
    assert isinstance(rows, Mapping), f"rows are a {type(rows).__name__} instead of a dictionary"
    assert set(rows) == set(spec), f"fields {sorted(rows)} instead of {sorted(spec)}"
    for name, values in rows.items():
        expected = spec[name]
        assert isinstance(values, np.ndarray), f"'{name}' is a {type(values).__name__} instead of an array"
        assert values.dtype == expected.dtype, f"'{name}' is {values.dtype} instead of {expected.dtype}"
        assert len(values) == len(indices), f"'{name}' has {len(values)} rows instead of {len(indices)}"
        assert values.shape[1:] == expected.row, f"a row of '{name}' is {values.shape[1:]} instead of {expected.row}"
        wrong = first_not_finite(values)
        assert wrong is None, f"'{name}' of row {indices[wrong]} holds NaN or infinity"
