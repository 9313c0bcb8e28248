"""CIFAR: both forms byte by byte, pickles that want to run something, and the sources on small archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from akid_core.errors import ConfigurationError, DataError
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats.cifar import read_binary, read_pickled
from akid_datasets.formats.pickles import read_pickle
from akid_datasets.sources.cifar10 import Cifar10
from akid_datasets.sources.cifar100 import Cifar100, class_names

COARSE_OF_FINE = [
    *[4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7],
    *[6, 13, 15, 3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10],
    *[16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16],
    *[12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13],
]
"""The superclass of each class, as the files pair them; a table that is published in many places."""

RED_GREEN_BLUE = bytes([1] * 1024 + [2] * 1024 + [3] * 1023 + [9])


class Python2Pickler(pickle._Pickler):
    """Writes bytes as the `str` of Python 2, with the opcodes that its protocol 2 has for them."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def _save_text(self, text: bytes) -> None:
        length = len(text)
        self.write(b"U" + bytes([length]) if length < 256 else b"T" + struct.pack("<i", length))
        self.write(text)
        self.memoize(text)

    dispatch[bytes] = _save_text


def pickled(entries: Mapping[Any, Any]) -> bytes:
    """A pickle as Python 2 with a NumPy of its time wrote it."""
    stream = io.BytesIO()
    pickler = Python2Pickler(stream, protocol=2)
    pickler.dispatch_table = {np.ndarray: _old_array, type(np.dtype(np.uint8)): _old_dtype}
    pickler.dump(entries)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def _old_array(values: np.ndarray) -> tuple[Any, ...]:
    by_columns = values.flags.f_contiguous and not values.flags.c_contiguous
    raw = values.tobytes("F" if by_columns else "C")
    return np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), (1, values.shape, values.dtype, by_columns, raw)


def _old_dtype(dtype: np.dtype) -> tuple[Any, ...]:
    return np.dtype, (dtype.str[1:].encode(), 0, 1), (3, dtype.str[:1].encode(), None, None, None, -1, -1, 0)


def image(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, 3072), np.uint8)


def test_records_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "train.bin"
    path.write_bytes(bytes([19, 99]) + RED_GREEN_BLUE + bytes([0, 7]) + bytes(3072))
    fields = read_binary(path, {"coarse_labels": 20, "fine_labels": 100})
    assert list(fields) == ["image", "coarse_labels", "fine_labels"]
    assert fields["image"].shape == (2, 3, 32, 32)
    assert fields["image"].dtype == np.uint8
    assert fields["image"][0, :, 0, 5].tolist() == [1, 2, 3]
    assert fields["image"][0, 2, 31, 30:].tolist() == [3, 9]  # the last column of the last row
    assert (fields["coarse_labels"].tolist(), fields["fine_labels"].tolist()) == ([19, 0], [99, 7])
    assert fields["fine_labels"].dtype == np.int64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            bytes(3073) + bytes(3072),
            " is cut short, or goes on after its records of 3,073 bytes: row 1, from byte 3,073",
        ),
        (bytes(3073) + b"\n", "row 1, from byte 3,073 on, has 1 of them"),
        (bytes(3073) + b"\x0a" + bytes(3072), ", byte 3,073 (row 1) has the label 10; valid are 0 to 9."),
    ],
)
def test_records_that_are_not_sound(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "test_batch.bin"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_binary(path, {"labels": 10})
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)


@pytest.mark.parametrize("order", ["C", "F"])
def test_pickles_are_read_as_numpy_reads_them(tmp_path: Path, order: str) -> None:
    data = np.asarray(image(5), order=order)
    entries = {
        b"batch_label": b"training batch 1 of 5",
        b"labels": [6, 9, 9, 4, 1],
        b"data": data,
        b"filenames": [b"a"],
    }
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickled(entries))
    ours, theirs = read_pickle(path), pickle.loads(path.read_bytes(), encoding="bytes")
    assert ours.keys() == theirs.keys()
    assert np.array_equal(ours.pop(b"data"), theirs.pop(b"data"))
    assert ours == theirs
    fields = read_pickled(path, {"labels": 10})
    assert list(fields) == ["image", "labels"]
    assert np.array_equal(fields["image"], data.reshape(5, 3, 32, 32))
    assert fields["image"].flags.c_contiguous
    assert fields["labels"].tolist() == [6, 9, 9, 4, 1]


class Evil:
    """Would run a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


@pytest.mark.parametrize(
    ("function", "named"), [(open, "io.open"), (eval, "__builtin__.eval"), (np.fromfile, "numpy.*fromfile")]
)
def test_nothing_is_run(tmp_path: Path, function: Any, named: str) -> None:
    path, trace = tmp_path / "test_batch", tmp_path / "trace"
    path.write_bytes(pickle.dumps({"data": Evil(function, str(trace), "w")}, protocol=2))
    with pytest.raises(DataError, match=f"^{path} is no pickle of plain data, .* it names '{named}'"):
        read_pickle(path)
    assert not trace.exists()


def test_arrays_are_made_of_their_bytes_alone(tmp_path: Path) -> None:
    path = tmp_path / "batch"
    sound = pickled({b"data": image(2)})
    for change, message in [
        ((b"u1", b"f8"), "no sound array of unsigned bytes"),
        ((b"u1", b"O8"), "no sound array of unsigned bytes"),
        ((b"K\x02M\x00\x0c\x86", b"K\x03M\x00\x0c\x86"), "no sound array of unsigned bytes"),
        ((b"ndarray", b"memmap"), "it names 'numpy.memmap', which is no part of an array"),
    ]:
        assert change[0] in sound
        path.write_bytes(sound.replace(*change))
        with pytest.raises(DataError, match=message):
            read_pickle(path)


SOUND = {b"data": image(3), b"labels": [0, 1, 2]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no pickle of plain data, near byte 0: it ends too soon"),
        (pickled(SOUND)[:500], "is no pickle of plain data"),
        (pickled(SOUND)[:-1], "is no pickle of plain data"),
        (b"<html></html>", "is no pickle of plain data"),
        (gzip.compress(pickled(SOUND))[:-9], "is cut short or damaged"),
        (pickled(SOUND) + b"rest", "goes on after its pickle: 4 bytes from byte "),
        (pickle.dumps([1], protocol=2), "holds a pickled list instead of a dictionary"),
        (pickled({b"labels": [0, 1, 2], b"x": 1}), "has no entry 'data'; it has 'labels', 'x'"),
        (pickled({b"data": image(3)}), "has no entry 'labels'; it has 'data'"),
        (pickled({**SOUND, b"data": [1, 2]}), "the entry 'data' is no array of rows of 3,072 bytes"),
        (pickled({**SOUND, b"data": image(3)[:, :-1].copy()}), "the entry 'data' is no array of rows of 3,072 bytes"),
        (pickled({**SOUND, b"labels": [0, 1]}), "has 3 images, but 2 'labels'"),
        (pickled({**SOUND, b"labels": [0, 1, 10]}), ", entry 'labels', row 2 has the label 10; valid are 0 to 9"),
        (pickled({**SOUND, b"labels": [0, 1, -1]}), ", entry 'labels', row 2 has the label -1; valid are 0 to 9"),
        (
            pickled({**SOUND, b"labels": [0, 1, 2**70]}),
            ", entry 'labels', row 2 has the label 1180591620717411303424",
        ),
        (pickled({**SOUND, b"labels": [0, 1, 2.0]}), "the entry 'labels' is no list of whole numbers"),
        (pickled({**SOUND, b"labels": b"012"}), "the entry 'labels' is no list of whole numbers"),
    ],
)
def test_pickles_that_are_not_sound(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "test_batch"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_pickled(path, {"labels": 10})
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)


def test_any_cut_of_a_pickle_is_found(tmp_path: Path) -> None:
    path, whole = tmp_path / "batch", pickled({b"data": image(1), b"labels": [3]})
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="is no pickle of plain data"):
            read_pickled(path, {"labels": 10})


def test_damaged_pickles_are_errors_or_data(tmp_path: Path) -> None:
    path, whole = tmp_path / "batch", pickled({b"data": image(1), b"labels": [3], b"filenames": [b"a.png"]})
    random, found = np.random.default_rng(0), 0
    frame = [place for place in range(len(whole)) if place < 100 or place > len(whole) - 100]
    for _ in range(3000):
        damaged = bytearray(whole)
        for place in random.choice(frame, random.integers(1, 4)):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            fields = read_pickled(path, {"labels": 10})
        except DataError:
            found += 1
        else:
            assert fields["image"].shape == (1, 3, 32, 32)
            assert 0 <= fields["labels"][0] < 10
    assert found > 1000


def test_numbers_of_objects_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "batch"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\xff.")  # keeps the dictionary as the object 4,294,967,295
    assert read_pickle(path) == {}


ROWS = {"train": 100, "test": 20}  # a file of CIFAR-10's has 20


def labels_of(part: str, coarse: bool) -> np.ndarray:
    fine = np.arange(ROWS[part]) * 7 % 100
    return np.array(COARSE_OF_FINE)[fine] if coarse else fine


def archive_of(made: type[Cifar10 | Cifar100], form: Any) -> bytes:
    """A small archive in one of the forms, of the same rows in each form."""
    files = {}
    for part, names in form.parts.items():
        images = image(ROWS[part], seed=ROWS[part])
        columns = {"labels": labels_of(part, False) % 10}
        if made is Cifar100:
            columns = {"coarse_labels": labels_of(part, True), "fine_labels": labels_of(part, False)}
        for name, rows in zip(names, np.split(np.arange(ROWS[part]), len(names)), strict=True):
            if name.endswith(".bin"):
                table = np.column_stack([*(column[rows] for column in columns.values()), images[rows]])
                files[name] = table.astype(np.uint8).tobytes()
            else:
                lists = {label.encode(): column[rows].tolist() for label, column in columns.items()}
                files[name] = pickled({b"data": images[rows], **lists})
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{form.folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture(params=[Cifar10, Cifar100])
def small(request: pytest.FixtureRequest, data_folder: Path, monkeypatch: pytest.MonkeyPatch, server: Any) -> Any:
    """One of the sources, whose archives, binary and pickled, are small ones on a server of this machine."""
    made = request.param
    forms = []
    for form in made.forms:
        content = archive_of(made, form)
        server.put(form.archive.name, content)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        urls = (server.url(form.archive.name),)
        forms.append(replace(form, archive=replace(form.archive, urls=urls, digest=digest, size=len(content))))
    monkeypatch.setattr(made, "forms", tuple(forms))
    monkeypatch.setattr(made, "sizes", ROWS)
    return made


class TestSources(SourceSuite):
    splits = ("train", "val", "test")

    @pytest.fixture(autouse=True)
    def _small(self, small: Any) -> None:
        self.small = small

    def source(self) -> Any:
        return self.small(val=15)


def test_the_binary_form_is_downloaded(small: Any, server: Any, data_folder: Path) -> None:
    small(val=0).fetch()
    assert [asked.path for asked in server.asked] == [f"/{small.forms[0].archive.name}"]
    rows = small(val=0).rows(np.array([45, 2]))
    assert np.array_equal(rows["image"].reshape(2, 3072), image(100, seed=100)[[45, 2]])
    expected = labels_of("train", False)[[45, 2]]
    assert np.array_equal(rows["label"], expected % 10 if small is Cifar10 else expected)
    small(val=0, split="test").rows(np.array([0]))
    assert len(server.asked) == 1


@pytest.mark.parametrize("unpacked", [False, True])
@pytest.mark.parametrize("which", [0, 1])
def test_what_lies_there_is_used(
    small: Any, server: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch, which: int, unpacked: bool
) -> None:
    monkeypatch.setenv("AKID_OFFLINE", "1")
    folder = data_folder / small.component()
    content = server.files[f"/{small.forms[which].archive.name}"].content
    folder.mkdir()
    if unpacked:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            tar.extractall(folder, filter="data")
    else:
        (folder / small.forms[which].archive.name).write_bytes(content)
    for part in ("train", "test"):
        source = small(split=part, val=0)
        assert np.array_equal(source.column("image").reshape(-1, 3072), image(ROWS[part], seed=ROWS[part]))
        expected = labels_of(part, False)
        assert np.array_equal(source.column("label"), expected % 10 if small is Cifar10 else expected)
    assert not server.asked


def test_files_that_do_not_fit(small: Any, data_folder: Path) -> None:
    form = small.forms[0]
    small(val=0).fetch()
    path = form.found(data_folder / small.component()) / form.parts["test"][0]
    size = len(path.read_bytes()) // 20
    path.write_bytes(path.read_bytes()[:-size])
    with pytest.raises(DataError, match="have 19 rows for test instead of 20. Remove them"):
        small(val=0, split="test").rows(np.array([0]))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"^{path} is cut short"):
        small(val=0, split="test").rows(np.array([0]))


def test_both_forms_have_one_fingerprint(small: Any, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = small(val=10).fingerprint()
    monkeypatch.setattr(small, "forms", small.forms[::-1])
    monkeypatch.setenv("AKID_DATA_DIR", str(data_folder / "other"))
    assert small(val=10).fingerprint() == binary
    assert small(val=10, split="val").fingerprint() != binary


def test_labels_of_the_hundred(data_folder: Path) -> None:
    fine, coarse, by_superclass = (class_names(labels) for labels in ("fine", "coarse", "hierarchical"))
    # from the description of the data set
    assert (fine[:3], fine[98:]) == (("apple", "aquarium_fish", "baby"), ("woman", "worm"))
    assert (coarse[0], coarse[14], coarse[19]) == ("aquatic_mammals", "people", "vehicles_2")
    assert by_superclass[70:75] == ("baby", "boy", "girl", "man", "woman")
    assert set(by_superclass) == set(fine)
    assert [by_superclass.index(name) // 5 for name in fine] == COARSE_OF_FINE
    about = [Cifar100(labels=labels).about()["classes"] for labels in ("fine", "coarse", "hierarchical")]
    assert [len(names) for names in about] == [100, 20, 100]
    with pytest.raises(ConfigurationError, match="Cifar100.labels: expected one of 'fine', .* got 'finest'"):
        Cifar100(labels="finest")  # type: ignore[arg-type]


@pytest.mark.parametrize("small", [Cifar100], indirect=True)
def test_numberings_of_the_hundred(small: type[Cifar100]) -> None:
    fine, coarse, hierarchical = (small(val=0, labels=labels) for labels in ("fine", "coarse", "hierarchical"))
    superclass = np.array(COARSE_OF_FINE)[fine.column("label")]
    assert np.array_equal(coarse.column("label"), superclass)
    for source in (fine, coarse, hierarchical):
        assert np.array_equal(source.column("coarse"), superclass)
    numbers = hierarchical.column("label")
    assert np.array_equal(numbers // 5, superclass)
    assert dict(zip(fine.column("label"), numbers, strict=True))[2] == 70  # baby, the first of the people
    assert len(set(numbers)) == 100
    assert len({source.fingerprint() for source in (fine, coarse, hierarchical)}) == 3


@pytest.mark.parametrize("small", [Cifar100], indirect=True)
def test_a_class_of_another_superclass(small: type[Cifar100], data_folder: Path) -> None:
    small(val=0).fetch()
    path = small.forms[0].found(data_folder / "cifar100") / "train.bin"
    content = bytearray(path.read_bytes())
    content[3074 * 4] = 5  # the superclass of row 4, whose class is 28, a cup
    path.write_bytes(content)
    with pytest.raises(DataError, match="row 4 for train has the class 28, which is not of the superclass 5"):
        small(val=0).rows(np.array([0]))
