"""Rotated MNIST: tables of text, and the source on a small archive of them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from akid_core.errors import DataError
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats.amat import read_amat
from akid_datasets.sources.rotated_mnist import RotatedMnist

TABLE = "0.0 5e-1 0.25 1.000000e+00 9.0\n1 0 0.125 0 0\n"


def test_by_hand(tmp_path: Path) -> None:
    (tmp_path / "t.amat").write_text(TABLE)
    fields = read_amat(tmp_path / "t.amat", (1, 2, 2), classes=10)
    assert (fields["image"].dtype, fields["label"].dtype) == (np.float32, np.int64)
    assert fields["image"].tolist() == [[[[0, 0.5], [0.25, 1]]], [[[1, 0], [0.125, 0]]]]
    assert fields["label"].tolist() == [9, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TABLE[:-6], "line 2: 3 values instead of 5"),
        (TABLE.replace("\n1 0", "\n1 0 0"), "line 2: 6 values instead of 5"),
        (TABLE + "\n", "line 3: 0 values instead of 5"),
        ("# a title\n" + TABLE, "line 1: 3 values instead of 5"),
        (TABLE.replace("0.25", "a"), "line 1: could not convert string to float: b'a'"),
        (TABLE.replace("0.25", "nan"), "line 1: value 3 is not finite"),
        (TABLE.replace("0.25", "-inf"), "line 1: value 3 is not finite"),
        (TABLE.replace("0.125", "1e99"), "line 2: value 3 is not finite"),
        (TABLE.replace("9.0", "10"), "line 1 has the label 10.0; valid are 0 to 9"),
        (TABLE.replace("9.0", "-1"), "line 1 has the label -1.0; valid are 0 to 9"),
        (TABLE.replace("9.0", "0.5"), "line 1: the label 0.5 is no whole number"),
    ],
)
def test_tables_that_are_not_sound(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "t.amat"
    path.write_text(content)
    with pytest.raises(DataError) as raised:
        read_amat(path, (1, 2, 2), classes=10)
    assert str(raised.value).startswith(f"{path}, {message}")


def table(rows: int) -> np.ndarray:
    random = np.random.default_rng(rows)
    return np.column_stack([random.random((rows, 784)), np.arange(rows) % 10])


@pytest.fixture
def small(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of 30 and 50 images in the folder of the source."""
    (form,) = RotatedMnist.forms
    archive = data_folder / "rotated_mnist" / form.archive.name
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for part, rows in (("train", 30), ("test", 50)):
            text = io.StringIO()
            np.savetxt(text, table(rows), fmt="%.18e")
            packed.writestr(form.parts[part][0], text.getvalue())
    digest = f"md5:{hashlib.md5(archive.read_bytes()).hexdigest()}"
    patched = replace(form, archive=replace(form.archive, urls=(), digest=digest))
    monkeypatch.setattr(RotatedMnist, "forms", (patched,))
    monkeypatch.setattr(RotatedMnist, "sizes", {"train": 30, "test": 50})
    return archive


class TestSource(SourceSuite):
    splits = ("train", "val", "test")

    @pytest.fixture(autouse=True)
    def _small(self, small: Path) -> None:
        """The files are there."""

    def source(self) -> RotatedMnist:
        return RotatedMnist(val=10)


def test_rows_are_those_of_the_tables(small: Path) -> None:
    source = RotatedMnist(split="test", val=0)
    rows = source.rows(np.array([41, 3]))
    assert np.array_equal(rows["image"].reshape(2, 784), table(50)[[41, 3], :-1].astype(np.float32))
    assert rows["label"].tolist() == [1, 3]
    assert source.fingerprint() != RotatedMnist(val=0).fingerprint()


def test_tables_that_you_unpacked(small: Path) -> None:
    with zipfile.ZipFile(small) as packed:
        packed.extractall(small.parent)
    small.unlink()
    assert len(RotatedMnist(val=0).column("label")) == 30
    assert [path.name for path in small.parent.iterdir() if path.is_dir()] == []  # nothing was unpacked again


def test_sizes_need_no_files(data_folder: Path) -> None:
    assert [len(RotatedMnist(split=split)) for split in ("train", "val", "test")] == [10_000, 2_000, 50_000]
