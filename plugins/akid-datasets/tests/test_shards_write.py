"""Writing shards: any Source comes back as it was, and the same rows make the same bytes."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from akid_core.data import Source
from akid_core.errors import DataError, UsageError
from akid_core.specs import TensorSpec
from akid_datasets.sources.digits import Digits
from akid_datasets.write import write_shards

SHAPES = {
    "image": ((3, 5, 4), "uint8", "NCHW"),
    "Mask": ((1, 5, 4), "uint8", "NCHW"),
    "label": ((), "int64", "N"),
    "meta/age": ((), "float64", "N"),
    "meta/flags": ((2,), "bool", ""),
    "small": ((), "uint8", "N"),
    "planes": ((2, 5, 4), "uint8", "NCHW"),
    "series": ((7, 2), "float32", "NTD"),
}


@dataclass(frozen=True, kw_only=True)
class Anything(Source):
    """Rows with fields of every kind; no test split."""

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {name: TensorSpec(("N", *shape), dtype, axes) for name, (shape, dtype, axes) in SHAPES.items()}

    def __len__(self) -> int:
        return {"train": 23, "val": 4, "test": 0}[self.split]

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        rows: dict[str, list[np.ndarray]] = {name: [] for name in SHAPES}
        for index in indices.tolist():
            random = np.random.default_rng((index, len(self)))
            for name, (shape, dtype, _) in SHAPES.items():
                rows[name].append(random.integers(0, 200, shape).astype(dtype))
        return {
            name: np.stack(values).reshape(-1, *SHAPES[name][0]) if values else np.empty((0, *SHAPES[name][0]))
            for name, values in rows.items()
        }


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path / "cache"))


@pytest.mark.parametrize("source", [Anything(), Digits()], ids=["anything", "digits"])
def test_everything_comes_back(source: Source, tmp_path: Path) -> None:
    written = write_shards(source, tmp_path / "out", 10)
    for split in ("train", "val", "test"):
        before, after = replace(source, split=split), replace(written, split=split)
        assert len(before) == len(after)
        assert dict(before.spec) == dict(after.spec)
        rows = np.arange(len(before))
        for name, values in after.rows(rows).items():
            assert values.dtype == before.spec[name].dtype
            assert np.array_equal(values, before.rows(rows)[name]), name


def test_names_and_sizes_of_shards(tmp_path: Path) -> None:
    written = write_shards(Anything(), tmp_path / "out", 10)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "train-000000.tar",
        "train-000001.tar",
        "train-000002.tar",
        "val-000000.tar",
    ]
    assert written.train == (f"{tmp_path}/out/train-{{000000..000002}}.tar",)
    assert written.test == ()
    with tarfile.open(tmp_path / "out/train-000002.tar") as archive:
        assert len(archive.getnames()) == 3 * len(SHAPES)
        assert archive.getnames()[:3] == ["000000020.image.png", "000000020.mask.png", "000000020.label.cls"]


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for folder in ("one", "two"):
        write_shards(Anything(), tmp_path / folder, 23)
        digests.add(hashlib.sha256((tmp_path / folder / "train-000000.tar").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write_shards(Anything(), tmp_path / "out", 10)
    with pytest.raises(DataError, match="out has shards of the split 'train' already"):
        write_shards(Anything(), tmp_path / "out", 20)
    with pytest.raises(UsageError, match="rows_per_shard must be at least 1, got 0"):
        write_shards(Anything(), tmp_path / "other", 0)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="Shards cannot be written into .*file: "):
        write_shards(Anything(), tmp_path / "file")


@dataclass(frozen=True, kw_only=True)
class Named(Source):
    """Five rows of one number, under some names."""

    names: tuple[str, ...]

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {name: TensorSpec(("N",), "float32", "N") for name in self.names}

    def __len__(self) -> int:
        return 5 if self.split == "train" else 0

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {name: (indices + place).astype(np.float32) for place, name in enumerate(self.names)}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a/b", "a.b"), r"fields 'a/b' and 'a.b' cannot both be written into shards: .* ends on '.a.b.npy'"),
        (("Image", "image"), "fields 'Image' and 'image' cannot both"),
        (("a|b",), r"field 'a\|b' cannot be written into shards: no '\|'"),
        (tuple(f"f{number}" for number in range(65)), "at most 64 fields, and there are 65"),
    ],
)
def test_names_that_cannot_be_read_again_are_not_written(names: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        write_shards(Named(names=names), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_of_any_length_and_letters(tmp_path: Path) -> None:
    names = ("a" * 120, "Größe", "b" * 250)
    written = write_shards(Named(names=names), tmp_path / "out")
    assert [values.tolist() for values in written.rows(np.array([3, 0])).values()] == [[3, 0], [4, 1], [5, 2]]
    assert tuple(written.spec) == names


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Failing(Anything):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            if indices.max() >= 20:
                raise DataError("row 20 is broken")
            return super().rows(indices)

    with pytest.raises(DataError, match="row 20 is broken"):
        write_shards(Failing(), tmp_path / "out", 10)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["train-000000.tar", "train-000001.tar"]
