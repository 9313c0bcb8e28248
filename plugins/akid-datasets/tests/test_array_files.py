"""Npz and Numpy: files of arrays, whole or mapped, and what is wrong with them."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core.data import Source
from akid_core.errors import AkidError, ConfigurationError, DataError
from akid_core.specs import TensorSpec
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats import npy
from akid_datasets.sources.npz import Npz
from akid_datasets.sources.numpy import Numpy

PICTURES = np.arange(12 * 2 * 3 * 3, dtype=np.uint8).reshape(12, 2, 3, 3)
LABELS = np.arange(12, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "both.npz", x_train=PICTURES, y_train=LABELS, x_test=PICTURES[:2], y_test=LABELS[:2])
    np.savez_compressed(tmp_path / "packed.npz", x=PICTURES, y=LABELS)
    for split, rows in (("train", 12), ("val", 3)):
        (tmp_path / split).mkdir()
        np.save(tmp_path / split / "x.npy", PICTURES[:rows])
        np.save(tmp_path / split / "y.npy", LABELS[:rows].astype(">i2"))
    return tmp_path


@pytest.fixture(params=["whole", "mapped"])
def _mapped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "mapped":
        monkeypatch.setattr(npy, "MAPPED", 0)


@pytest.mark.usefixtures("_mapped")
class TestNpz(SourceSuite):
    splits = ("train", "test")

    @pytest.fixture(autouse=True)
    def _in(self, folder: Path) -> None:
        self.folder = folder

    def source(self) -> Source:
        return Npz(path=self.folder / "both.npz", fields={"image": "x_{split}", "label": "y_{split}"})


@pytest.mark.usefixtures("_mapped")
class TestNumpy(SourceSuite):
    splits = ("train", "val")

    @pytest.fixture(autouse=True)
    def _in(self, folder: Path) -> None:
        self.folder = folder

    def source(self) -> Source:
        return Numpy(path=self.folder / "{split}", channels_last=("x",))


def test_keys_become_fields_and_labels_int64(folder: Path) -> None:
    source = Npz(path=str(folder / "packed.npz"), fields={"image": "x", "label": "y"})
    assert source.spec == {
        "image": TensorSpec(("N", 2, 3, 3), "uint8"),
        "label": TensorSpec(("N",), "int64"),
    }
    rows = source.rows(np.array([7, 0, 7]))
    assert np.array_equal(rows["image"], PICTURES[[7, 0, 7]])
    assert rows["label"].tolist() == [7, 0, 7]
    assert list(Npz(path=folder / "packed.npz").spec) == ["x", "y"]


def test_sizes_of_splits(folder: Path) -> None:
    def sizes(make: Callable[..., Source], **settings: Any) -> list[int]:
        return [len(make(split=split, **settings)) for split in ("train", "val", "test")]

    assert sizes(Npz, path=folder / "both.npz", fields={"x": "x_{split}"}) == [12, 0, 2]
    assert sizes(Npz, path=folder / "packed.npz") == [12, 0, 0]
    assert sizes(Npz, path={"train": folder / "packed.npz", "test": folder / "packed.npz"}) == [12, 0, 12]
    assert sizes(Numpy, path=folder / "{split}") == [12, 3, 0]
    assert sizes(Numpy, path=folder / "train" / "x.npy") == [12, 0, 0]


def test_channels_first(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", grey=np.arange(12).reshape(2, 2, 3), colour=np.arange(36).reshape(2, 2, 3, 3))
    source = Npz(path=tmp_path / "a.npz", channels_last=["grey", "colour"])
    assert {name: spec.row for name, spec in source.spec.items()} == {"grey": (1, 2, 3), "colour": (3, 2, 3)}
    rows = source.rows(np.array([1]))
    assert rows["grey"].tolist() == [[[[6, 7, 8], [9, 10, 11]]]]
    assert rows["colour"][0, 1].tolist() == [[19, 22, 25], [28, 31, 34]]  # the second of three numbers in a row


@pytest.mark.usefixtures("_mapped")
@pytest.mark.parametrize("dtype", ["bool", "uint16", ">i4", "float16", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_orders(tmp_path: Path, dtype: str, order: Any) -> None:
    values = np.asarray(np.arange(24).reshape(4, 3, 2) % 5, dtype, order=order)
    np.savez(tmp_path / "a.npz", x=values)
    np.save(tmp_path / "x.npy", values)
    for source in (Npz(path=tmp_path / "a.npz"), Numpy(path=tmp_path / "x.npy")):
        found = source.rows(np.array([3, 1]))["x"]
        assert found.dtype == np.dtype(dtype).newbyteorder("=")
        assert found.flags.c_contiguous
        assert np.array_equal(found, values[[3, 1]])


@pytest.mark.usefixtures("_mapped")
def test_pickled_sources_open_their_files_anew(folder: Path) -> None:
    source = Numpy(path=folder / "train")
    source.rows(np.arange(3))
    sent = pickle.dumps(source)
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).rows(np.arange(12))["x"], PICTURES)


def test_arrays_larger_than_the_limit_stay_in_their_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"path": folder / "both.npz", "fields": {"x": "x_{split}"}}
    assert Npz(**both).in_memory
    monkeypatch.setattr(npy, "MAPPED", 100)
    assert not Npz(**both).in_memory
    assert Npz(path=folder / "packed.npz").in_memory  # what is packed cannot be mapped
    assert not Numpy(path=folder / "train").in_memory


def test_more_bytes_than_memory(tmp_path: Path) -> None:
    rows = 1 << 24  # of 4 KiB each: 64 GiB, of which the file system stores what is written
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (rows, 1024))
    array[rows - 1], array[7] = 3, 5
    del array
    tracemalloc.start()
    source = Numpy(path=tmp_path)
    found = source.rows(np.array([rows - 1, 7, 0]))["x"]
    assert len(source.fingerprint()) == 32
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[:, 9].tolist() == [3, 5, 0]
    assert peak < 1 << 20


def test_other_contents_have_another_fingerprint(folder: Path) -> None:
    before = Numpy(path=folder / "train").fingerprint()
    assert before == Numpy(path=folder / "train").fingerprint() != ""
    np.save(folder / "train" / "y.npy", LABELS.astype(">i2") + 1)
    assert Numpy(path=folder / "train").fingerprint() != before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_numbers(tmp_path: Path, value: float) -> None:
    values = np.ones((5, 3), np.float32)
    values[3, 1] = value
    np.savez(tmp_path / "a.npz", x=values)
    source = Npz(path=tmp_path / "a.npz")
    assert source.rows(np.array([2]))["x"].tolist() == [[1, 1, 1]]
    with pytest.raises(DataError, match=r"Row 3 of 'x' in .*a\.npz has a missing value, .*missing: 0"):
        source.rows(np.array([2, 3]))
    assert Npz(path=tmp_path / "a.npz", missing=-1).rows(np.array([3]))["x"].tolist() == [[1, -1, 1]]


def test_whole_numbers_too_large_for_int64(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([7, 2**63 + 5], np.uint64))
    source = Npz(path=tmp_path / "a.npz")
    assert source.rows(np.array([0]))["x"].tolist() == [7]
    with pytest.raises(DataError, match=r"'x' in .*a\.npz holds the number 9223372036854775813, but"):
        source.rows(np.array([1]))


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"path": "none.npz"}, DataError, r"none\.npz does not exist; it should hold the split 'train'"),
        (
            {"path": "packed.npz", "fields": {"image": "X"}},
            DataError,
            "no array 'X' .*Did you mean 'x'.*holds 'x', 'y'",
        ),
        ({"path": "packed.npz", "classes": {"y": 11}}, DataError, "Row 11 of 'y' in .* has the label 11; .* 0 to 10"),
        ({"path": "packed.npz", "classes": {"z": 11}}, ConfigurationError, "classes names the field 'z'"),
        ({"path": "packed.npz", "channels_last": ["y"]}, ConfigurationError, r"pictures are \(H, W\) or \(H, W, C\)"),
        ({"path": "lengths.npz"}, DataError, "differ in their number of rows: 'x' has 12, 'y' has 11"),
        ({"path": "objects.npz"}, DataError, "'x' in .* holds pickled objects, which could run code"),
        ({"path": "texts.npz"}, DataError, "'x' in .* holds values of <U1"),
        ({"path": "number.npz"}, DataError, "'x' in .* is a single number"),
        ({"path": "cut.npz"}, DataError, r"cut\.npz cannot be read as an \.npz file"),
        ({"path": "damaged.npz"}, DataError, r"damaged\.npz .*Bad CRC-32 for file 'x\.npy'"),
        ({"path": "wide.npz"}, DataError, r"'x' in .* holds values of .*; save it as an array .* of at most 64 bits"),
        ({"path": "empty.npz"}, DataError, "holds no arrays"),
    ],
)
def test_files_that_do_not_serve(
    folder: Path, settings: dict[str, Any], kind: type[AkidError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    np.savez("lengths.npz", x=PICTURES, y=LABELS[:11])
    np.savez("objects.npz", x=np.array([{"a": 1}], object))
    np.savez("texts.npz", x=np.array(["a"]))
    np.savez("number.npz", x=3)
    np.savez("empty.npz")
    np.savez("wide.npz", x=np.ones(3, np.complex64 if np.longdouble(0).itemsize == 8 else np.longdouble))
    whole = (folder / "packed.npz").read_bytes()
    Path("cut.npz").write_bytes(whole[:200])
    np.savez("damaged.npz", x=PICTURES)
    stored = bytearray(Path("damaged.npz").read_bytes())
    stored[250] ^= 1
    Path("damaged.npz").write_bytes(bytes(stored))
    with pytest.raises(kind, match=message):
        Npz(**settings).rows(np.arange(12))


def test_a_file_that_is_cut_short_names_the_row(folder: Path) -> None:
    file = folder / "train" / "x.npy"
    file.write_bytes(file.read_bytes()[: 128 + 18 * 5 + 7])  # the header, five rows of 18 bytes, and a part of the next
    with pytest.raises(DataError, match=r"x\.npy is cut short: it has 97 of 216 bytes of numbers, .* middle of row 5"):
        len(Numpy(path=folder / "train"))


def test_a_file_that_goes_on_behind_its_array(folder: Path) -> None:
    with (folder / "train" / "x.npy").open("ab") as file:
        file.write(b"abc")
    with pytest.raises(DataError, match=r"x\.npy goes on behind its array, for 3 bytes"):
        len(Numpy(path=folder / "train"))


def test_a_folder_of_splits(folder: Path) -> None:
    with pytest.raises(DataError, match=r"holds no arrays. It has folders for splits: write .*/\{split\}"):
        len(Numpy(path=folder))


def test_splits_that_differ(folder: Path) -> None:
    np.save(folder / "val" / "x.npy", PICTURES.astype(np.float32))
    np.save(folder / "val" / "y.npy", LABELS)
    with pytest.raises(DataError, match=r"'x' in .*val is float32\[N, 2, 3, 3\], but uint8\[N, 2, 3, 3\] in the split"):
        len(Numpy(path=folder / "{split}", split="val"))
