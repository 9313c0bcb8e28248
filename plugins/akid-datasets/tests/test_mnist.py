"""MNIST and Fashion-MNIST: the format IDX, byte by byte, and the sources on small files of that format."""

from __future__ import annotations

import gc
import gzip
import hashlib
import struct
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from akid_core.errors import DataError
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats.idx import read_idx, read_labelled
from akid_datasets.sources.fashion_mnist import FashionMnist
from akid_datasets.sources.mnist import Mnist

IMAGES = bytes.fromhex("00000803 00000002 00000002 00000003 010203 040506 0708fe 0a0b0c")
LABELS = bytes.fromhex("00000801 00000002 09 00")


def written(folder: Path, images: bytes = IMAGES, labels: bytes = LABELS) -> tuple[Path, Path]:
    (folder / "images").write_bytes(images)
    (folder / "labels").write_bytes(labels)
    return folder / "images", folder / "labels"


@pytest.mark.parametrize("packed", [False, True])
def test_by_hand(tmp_path: Path, packed: bool) -> None:
    pack = gzip.compress if packed else bytes
    fields = read_labelled(*written(tmp_path, pack(IMAGES), pack(LABELS)), (2, 3), classes=10)
    assert fields["image"].dtype == np.uint8
    assert fields["image"].tolist() == [[[[1, 2, 3], [4, 5, 6]]], [[[7, 8, 254], [10, 11, 12]]]]
    assert fields["label"].dtype == np.int64
    assert fields["label"].tolist() == [9, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is cut short: it ends at byte 0, within its header of 16 bytes"),
        (IMAGES[:9], "is cut short: it ends at byte 9, within its header of 16 bytes"),
        (LABELS, "starts with the bytes 00 00 08 01 instead of 00 00 08 03"),
        (b"\0\0\x0d" + IMAGES[3:], "starts with the bytes 00 00 0d 03 instead of 00 00 08 03"),
        (b"<html>", "starts with the bytes 3c 68 74 6d instead of 00 00 08 03"),
        (IMAGES[:12] + b"\0\0\0\4" + IMAGES[16:], "has rows of 2x4 instead of 2x3, as bytes 8 to 15 say"),
        (IMAGES[:-1], "is cut short: it ends at byte 27 in row 1, but its header announces 2 rows, which are 28 bytes"),
        (IMAGES[:4] + b"\xff\xff\xff\xff" + IMAGES[8:], "announces 4,294,967,295 rows"),
        (IMAGES + b"ab", "goes on after its 2 rows: 2 bytes from byte 28 on"),
        (gzip.compress(IMAGES)[:-9], "is cut short or damaged, it cannot be unpacked"),
        (gzip.compress(IMAGES)[:-8] + bytes(8), "is cut short or damaged, it cannot be unpacked"),
    ],
)
def test_images_that_are_not_sound(tmp_path: Path, content: bytes, message: str) -> None:
    path, _ = written(tmp_path, content)
    with pytest.raises(DataError) as raised:
        read_idx(path, (2, 3))
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    images, labels = written(tmp_path, labels=LABELS[:-1] + b"\x0a")
    with pytest.raises(DataError, match=rf"^{labels}, byte 9 \(row 1\) has the label 10; valid are 0 to 9.$"):
        read_labelled(images, labels, (2, 3), classes=10)
    labels.write_bytes(struct.pack(">4sI3B", LABELS[:4], 3, 1, 2, 3))
    with pytest.raises(DataError, match=f"^{images} has 2 images, but {labels} has 3 labels.$"):
        read_labelled(images, labels, (2, 3), classes=10)
    with pytest.raises(DataError, match=f"^{tmp_path / 'none'} cannot be read: No such file or directory.$"):
        read_idx(tmp_path / "none", ())


SIZES = {"train": 100, "test": 20}


def small_file(part: str, images: bool) -> bytes:
    """A sound file of 28x28 images, or of their labels: 0, 1, … 9, 0, 1, …"""
    if not images:
        return struct.pack(">2I", 0x801, SIZES[part]) + bytes(row % 10 for row in range(SIZES[part]))
    random = np.random.default_rng(list(SIZES).index(part))
    return struct.pack(">4I", 0x803, SIZES[part], 28, 28) + random.bytes(SIZES[part] * 784)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(params=[Mnist, FashionMnist])
def small(request: pytest.FixtureRequest, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> type[Mnist]:
    """One of the sources, with files of 100 and 20 images in its folder; their digests are those that it expects."""
    made: type[Mnist] = request.param
    folder = data_folder / made.component()
    folder.mkdir()
    files = {}
    for part, remote in made.files.items():
        pair = []
        for file, images in zip(remote, (True, False), strict=True):
            raw = small_file(part, images)
            packed = gzip.compress(raw)
            (folder / file.name).write_bytes(packed)
            pair.append(replace(file, urls=(), digest=digest(packed), raw_digest=digest(raw)))
        files[part] = tuple(pair)
    monkeypatch.setattr(made, "files", files)
    monkeypatch.setattr(made, "sizes", SIZES)
    monkeypatch.setattr(made, "places", ())
    return made


class TestSources(SourceSuite):
    splits = ("train", "val", "test")

    @pytest.fixture(autouse=True)
    def _small(self, small: type[Mnist]) -> None:
        self.small = small

    def source(self) -> Mnist:
        return self.small(val=15)


def test_rows_are_those_of_the_files(small: type[Mnist]) -> None:
    train, test = small(val=0), small(split="test", val=0)
    assert (len(train), len(small(val=0, split="val")), len(test)) == (100, 0, 20)
    for source, part in ((train, "train"), (test, "test")):
        rows = source.rows(np.array([7, 0]))
        images = np.frombuffer(small_file(part, images=True), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        assert np.array_equal(rows["image"], images[[7, 0]])
        assert rows["label"].tolist() == [7, 0]
    assert train.in_memory


def test_every_class_is_held_out_alike(small: type[Mnist]) -> None:
    val, train = small(split="val", val=25), small(val=25)
    assert (len(val), len(train)) == (25, 75)
    counts = np.bincount(val.column("label"))
    assert set(counts) == {2, 3}
    assert np.array_equal(counts + np.bincount(train.column("label")), np.full(10, 10))
    images = [{image.tobytes() for image in source.column("image")} for source in (val, train)]
    assert len(images[0] | images[1]) == 100
    # by hand: of 100 sorted rows, ten of each class, the two in the middle of each half: 25 and 75
    two = small(split="val", val=2)
    assert two.column("label").tolist() == [2, 7]
    whole = small(val=0)
    assert np.array_equal(two.column("image"), whole.rows(np.array([52, 57]))["image"])


def test_the_fingerprint_is_of_the_rows(small: type[Mnist]) -> None:
    sources = [small(), small(split="val", val=10), small(split="test", val=10)] if small.val < 100 else []
    sources += [small(val=10), small(val=11), small(val=10, split="val"), small(val=10, split="test")]
    assert len({source.fingerprint() for source in sources}) == len(sources)
    assert small(val=10).fingerprint() == small(val=10).fingerprint() != ""
    assert small(val=10, split="test").fingerprint() == small(val=11, split="test").fingerprint()


def test_what_there_is_to_know(small: type[Mnist], data_folder: Path) -> None:
    about = small(val=0).about()
    assert set(about) == {"title", "home", "licence", "citation", "classes", "folder"}
    assert about["folder"] == str(data_folder / small.component())
    assert len(about["classes"]) == 10


def test_sizes_need_no_files(data_folder: Path) -> None:
    assert [len(Mnist(split=split)) for split in ("train", "val", "test")] == [55_000, 5_000, 10_000]
    assert not any(data_folder.iterdir())
    with pytest.raises(ValueError, match="val must be 0 to 59999, got 60000"):
        Mnist(val=60_000)
    with pytest.raises(ValueError, match="val must be 0 to 59999, got -1"):
        Mnist(val=-1)


def test_files_that_are_missing_or_changed(small: type[Mnist], data_folder: Path) -> None:
    small(val=0).fetch()  # all there
    folder = data_folder / small.component()
    path = folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(small_file("test", images=False)[:-1]))
    with pytest.raises(DataError, match=f"{path}: its content has sha256"):
        small(val=0).fetch()
    path.unlink()
    with pytest.raises(DataError, match=f"Put 't10k-labels-idx1-ubyte.gz' .* into {folder}"):
        small(val=0, split="test").rows(np.array([0]))
    (folder / path.stem).write_bytes(small_file("test", images=False))
    assert small(val=0, split="test").rows(np.array([3]))["label"] == 3


def test_sound_files_of_another_size(small: type[Mnist], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "sizes", {"train": 60_000, "test": 10_000})
    with pytest.raises(DataError, match="have 100 rows for train instead of 60,000"):
        small(val=0).rows(np.array([0]))


def test_files_are_read_once_and_again_when_they_change(
    small: type[Mnist], data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small(split="test", val=0)
    image, again = first.rows(np.array([0])), small(split="test", val=10)
    assert again._whole is first._whole
    assert small(val=10)._whole is small(val=10, split="val")._whole is not first._whole
    content = struct.pack(">2I", 0x801, SIZES["test"]) + bytes(9 - row % 10 for row in range(SIZES["test"]))
    labels = data_folder / small.component() / small.files["test"][1].name
    labels.write_bytes(content)
    changed = replace(small.files["test"][1], digest=digest(content), raw_digest=digest(content))
    monkeypatch.setitem(small.files, "test", (small.files["test"][0], changed))
    assert (image["label"], first.rows(np.array([0]))["label"]) == (0, 0)
    assert small(split="test", val=0).rows(np.array([0]))["label"] == 9
    assert small(split="test", val=0).fingerprint() != first.fingerprint()


def test_what_nobody_uses_is_not_kept(small: type[Mnist]) -> None:
    source = small(val=0)
    source.rows(np.array([0]))
    whole = weakref.ref(source._whole)
    del source
    gc.collect()
    assert whole() is None
