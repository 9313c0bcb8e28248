"""Source: one field of all rows, without reading more of the others than it must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from akid_core.data import HeldOut, Mixed, Source, Subset, Zipped
from akid_core.errors import DataError
from akid_core.specs import TensorSpec

ROWS = 300


@dataclass(frozen=True, kw_only=True, eq=False)
class Large(Source):
    """Rows with a picture of 1 MiB; `read` notes how many of them were read at once."""

    read: list[int] = field(default_factory=list)

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"image": TensorSpec(("N", 1, 1024, 1024), "uint8"), "label": TensorSpec(("N",), "int64")}

    def __len__(self) -> int:
        return ROWS if self.split == "train" else 0

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        self.read.append(len(indices))
        return {"image": np.zeros((len(indices), 1, 1024, 1024), np.uint8), "label": indices * 2}


@dataclass(frozen=True, kw_only=True, eq=False)
class Quick(Large):
    """Reads its labels by themselves."""

    labels: list[int] = field(default_factory=list)

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        if name != "label":
            return super().field_rows(name, indices)
        self.labels.extend(indices.tolist())
        return indices * 2


def test_a_column_reads_few_of_the_large_rows_at_once() -> None:
    source = Large()
    assert source.column("label").tolist() == list(range(0, 2 * ROWS, 2))
    assert sum(source.read) == ROWS
    assert max(source.read) < 64 + 1, "64 MiB at once"
    with pytest.raises(DataError, match="The source 'large' has no field 'lable'. Did you mean 'label'"):
        source.column("lable")
    assert Large(split="test").column("label").tolist() == []


def test_combined_sources_ask_for_the_field_alone_and_its_own_rows() -> None:
    source = Quick()
    assert Subset(source=source, first=3).column("label").tolist() == [0, 2, 4]
    assert source.labels == [0, 1, 2]
    held_out = HeldOut(source=source, val=5, split="val").column("label")
    assert held_out.tolist() == [2 * row for row in source.labels[3:]]
    assert len(held_out) == 5
    assert Zipped(sources={"a": source, "b": Quick()}).column("a/label").tolist() == list(range(0, 2 * ROWS, 2))
    mixed = Mixed(sources=(source, Quick()))
    assert mixed.column("label").tolist() == [*range(0, 2 * ROWS, 2)] * 2
    assert mixed.field_rows("label", np.array([ROWS + 4, 1, ROWS])).tolist() == [8, 2, 0]
    assert source.read == [], "no picture was read"
