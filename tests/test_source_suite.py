"""The source suite finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from akid_core.data import Source
from akid_core.specs import TensorSpec
from akid_core.testing.sources import SourceSuite

STORE = np.arange(20, dtype=np.float32).reshape(10, 2)


@dataclass(frozen=True, kw_only=True)
class Good(Source):
    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec(("N", 2), "float32")}

    def __len__(self) -> int:
        return len(STORE)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": STORE[indices]}


@dataclass(frozen=True, kw_only=True)
class NoBatch(Good):
    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec((2,), "float32")}


@dataclass(frozen=True, kw_only=True)
class Empty(Good):
    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, kw_only=True)
class OtherValidation(Good):
    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x" if self.split == "train" else "y": TensorSpec(("N", 2), "float32")}


@dataclass(frozen=True, kw_only=True)
class WrongType(Good):
    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": STORE[indices].astype(np.float64)}


@dataclass(frozen=True, kw_only=True)
class Sorts(Good):
    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": STORE[np.sort(indices)]}


@dataclass(frozen=True, kw_only=True)
class LendsItsStore(Good):
    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": STORE if len(indices) == len(STORE) else STORE[indices]}


def run(source: type[Source], test: Callable[[SourceSuite], None]) -> None:
    class Suite(SourceSuite):
        splits = ("train", "val")

        def source(self) -> Source:
            return source()

    before = STORE.copy()
    try:
        test(Suite())
    finally:
        STORE[:] = before


TESTS = {name: test for name, test in vars(SourceSuite).items() if name.startswith("test_")}


@pytest.mark.parametrize("name", TESTS)
def test_a_good_source_passes(name: str) -> None:
    run(Good, TESTS[name])


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (NoBatch, "test_spec_has_the_batch_first"),
        (OtherValidation, "test_splits_share_fields"),
        (Empty, "test_stated_splits_have_rows"),
        (WrongType, "test_rows_are_what_the_spec_says"),
        (Sorts, "test_rows_come_in_the_order_asked"),
        (LendsItsStore, "test_rows_belong_to_the_reader"),
    ],
)
def test_a_broken_source_is_found(source: type[Source], name: str) -> None:
    with pytest.raises(AssertionError):
        run(source, TESTS[name])
