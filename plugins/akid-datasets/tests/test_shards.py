"""Shards: rows from tar archives, by index, whatever the shard; and shards that are not sound."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from akid_core.config import decode, encode
from akid_core.data import Reading, Sensor, Source, Stratified, Windowed
from akid_core.errors import ConfigurationError, DataError
from akid_core.plugins import default_manager
from akid_core.testing.sources import SourceSuite
from akid_datasets.shards import index as indexing
from akid_datasets.shards.files import find
from akid_datasets.shards.member import Member
from akid_datasets.shards.patterns import expand_braces
from akid_datasets.sources.shards import Shards

from .shard_files import image_of, npy, png, write_rows, write_tar


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path / "cache"))
    return tmp_path


class TestShards(SourceSuite):
    splits = ("train", "val")

    @pytest.fixture(autouse=True)
    def _where(self, folder: Path) -> None:
        write_rows(folder, "train", [3, 1, 5])
        write_rows(folder, "val", [2])
        self.folder = folder

    def source(self) -> Source:
        return Shards(train=f"{self.folder}/train-{{000..002}}.tar", val=self.folder / "val-*.tar")


def test_rows_of_all_shards(folder: Path) -> None:
    write_rows(folder, "train", [3, 1, 5])
    source = Shards(train=f"{folder}/train-*.tar")
    assert len(source) == 9
    assert len(Shards(train=f"{folder}/train-*.tar", split="test")) == 0
    asked = np.array([8, 0, 3, 3, 2, 7])
    rows = source.rows(asked)
    assert rows["label"].tolist() == asked.tolist()
    for place, row in enumerate(asked):
        assert np.array_equal(rows["image"][place], image_of(row).transpose(2, 0, 1))
    assert source.column("label").tolist() == list(range(9))
    source.fetch()


def test_a_column_of_labels_decodes_no_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(folder, "train", [30, 30])
    source = Shards(train=f"{folder}/train-*.tar")
    assert source.spec["image"].row == (3, 4, 4)
    decoded: list[str] = []
    fields = Member.fields
    monkeypatch.setattr(Member, "fields", lambda *arguments: decoded.append(arguments[2]) or fields(*arguments))
    assert source.column("label").tolist() == list(range(60))
    assert decoded == ["cls"] * 60
    assert len(source.column("image")) == 60
    assert decoded[60:] == ["png"] * 60
    with pytest.raises(DataError, match="The source 'shards' has no field 'lable'. Did you mean 'label'"):
        source.column("lable")
    sensor = Sensor(source, batch_size=4, sampler=Stratified())
    assert len(sensor) == 60
    assert decoded[120:] == ["cls"] * 60


def test_fields_of_every_kind(folder: Path) -> None:
    def row(number: int) -> list[tuple[str, bytes]]:
        key = f"./deep.er/{number}"
        return [
            (f"{key}.seg.PNG", png(np.full((2, 2), number, np.uint8))),
            (f"{key}.npy", npy(np.array([number, 0.5], ">f4"))),
            (f"{key}.index", f" {number}\n".encode()),
            (f"{key}.json", f'{{"meta": {{"age": {number}, "box": [1, 2.5]}}, "yes": true}}'.encode()),
        ]

    write_tar(folder / "a.tar", [("README", b"x"), ("__index__.txt", b"x"), ("._0.npy", b"x"), *row(0), *row(1)])
    fields = {"mask": Member(ending="seg.png", channels=1), "series": "npy", "number": "index", "all": "json"}
    source = Shards(train=str(folder / "a.tar"), fields=fields)
    rows = source.rows(np.array([1, 0]))
    assert {name: f"{values.dtype}{list(values.shape)}" for name, values in rows.items()} == {
        "mask": "uint8[2, 1, 2, 2]",
        "series": "float32[2, 2]",
        "number": "int64[2]",
        "all/meta/age": "int64[2]",
        "all/meta/box": "float32[2, 2]",
        "all/yes": "bool[2]",
    }
    assert rows["mask"][:, 0, 0, 0].tolist() == rows["number"].tolist() == rows["all/meta/age"].tolist() == [1, 0]
    assert rows["series"].tolist() == [[1, 0.5], [0, 0.5]]
    assert rows["all/meta/box"].tolist() == [[1, 2.5]] * 2


def test_one_of_several_endings(folder: Path) -> None:
    write_tar(folder / "a.tar", [("0.jpg.txt", b"7"), ("0.png", png(image_of(0))), ("1.bmp", png(image_of(1)))])
    source = Shards(train=str(folder / "a.tar"), fields={"image": "bmp|png"})
    assert np.array_equal(source.rows(np.array([1]))["image"][0], image_of(1).transpose(2, 0, 1))
    assert np.array_equal(source.rows(np.array([0]))["image"][0], image_of(0).transpose(2, 0, 1))


def test_a_stated_type_and_shape(folder: Path) -> None:
    write_tar(folder / "a.tar", [("0.json", b"3"), ("1.json", b"3.5")])
    path = str(folder / "a.tar")
    stated = Shards(train=path, fields={"value": Member(ending="json", dtype="float64")})
    assert stated.rows(np.arange(2))["value"].tolist() == [3.0, 3.5]
    with pytest.raises(DataError, match=r"'1.json' \(row 1 .*float32 in 'value', unlike the first row's int64; state"):
        Shards(train=path, fields={"value": "json"}).rows(np.arange(2))
    with pytest.raises(DataError, match=r"'0.json' \(row 0 .* of the shape \(\) instead of \(2,\)"):
        Shards(train=path, fields={"value": Member(ending="json", shape=(2,))}).rows(np.arange(1))
    with pytest.raises(DataError, match="float32 numbers, which are not kept by the type 'int64'"):
        Shards(train=path, fields={"value": Member(ending="json", dtype="int64")}).rows(np.arange(2))


def good(key: str) -> list[tuple[str, bytes]]:
    return [(f"{key}.png", png(image_of(0))), (f"{key}.cls", b"1")]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ([("b.png", png(image_of(0)))], "'b.png' .* has no neighbour that ends on '.cls', of which the field 'label'"),
        ([("b.png", png(image_of(0))), ("b.cls", b"one")], "'b.cls' .* has b'one', where an integer is wanted"),
        ([("b.png", png(image_of(0))), ("b.cls", b"5")], "'b.cls' .* has the label 5; valid are 0 to 4"),
        ([("b.png", png(image_of(0))), ("b.cls", b"-1")], "'b.cls' .* has the label -1; valid are 0 to 4"),
        ([("b.png", b""), ("b.cls", b"1")], "'b.png' .* is empty"),
        ([("b.png", b"no image"), ("b.cls", b"1")], "'b.png' .* does not decode as an image"),
        ([("b.png", png(image_of(0))[:40]), ("b.cls", b"1")], "'b.png' .* does not decode as an image"),
        (
            [("b.png", png(image_of(0, 5))), ("b.cls", b"1")],
            r"'b.png' .* \(3, 5, 5\) instead of \(3, 4, 4\); give a size",
        ),
    ],
)
def test_rows_that_are_not_sound_are_named(folder: Path, second: list[tuple[str, bytes]], said: str) -> None:
    path = write_tar(folder / "a.tar", [*good("a"), *second])
    source = Shards(train=str(path), fields={"image": "png", "label": Member(ending="cls", classes=5)})
    assert source.rows(np.array([0]))["label"].tolist() == [1]
    with pytest.raises(DataError, match=said) as error:
        source.rows(np.array([0, 1]))
    assert "a.tar" in str(error.value)
    assert "(row 1 of the split 'train')" in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy(np.array([1.0, np.nan])), "has NaN or infinity in the field 'x'"),
        (npy(np.array([1.0, 2.0]))[:-4], "is no sound npy file"),
        (b"", "is no sound npy file"),
        (npy(np.array(["text"])), "has the type <U4, where numbers are wanted"),
        (npy(np.array([1.0, 2.0, 3.0])), r"has 'x' of the shape \(3,\) instead of \(2,\)"),
        (npy(np.array([1j, 2j])), "has the type complex128, where numbers are wanted"),
    ],
)
def test_arrays_that_are_not_sound(folder: Path, content: bytes, said: str) -> None:
    path = write_tar(folder / "a.tar", [("0.npy", npy(np.array([1.0, 2.0]))), ("1.npy", content)])
    with pytest.raises(DataError, match=rf"the member '1.npy' \(row 1 of the split 'train'\) {said}"):
        Shards(train=str(path), fields={"x": "npy"}).rows(np.arange(2))


def test_pickles_are_not_run(folder: Path) -> None:
    path = write_tar(folder / "a.tar", [("0.npy", npy(np.array([{}], object)))])
    with pytest.raises(DataError, match="is no sound npy file .*allow_pickle"):
        len(Shards(train=str(path), fields={"x": "npy"}).spec)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is no sound JSON"),
        (b'{"a": "text"}', "has 'text', where numbers are wanted"),
        (b'{"a": null}', "has 'None', where numbers are wanted"),
        (b'{"b": 1}', "has no 'x/a', unlike the first row"),
        (b'{"a": 1, "b": 2}', "has a 'x/b', unlike the first row"),
        (b'{"a": [[1], [1, 2]]}', "is not one array of numbers"),
        (b'{"a": 1e999}', "has NaN or infinity"),
        (b'{"a": 36893488147419103232}', "has a number that is too large"),
        (b"{}", "has no values"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "is nested too deeply"),
    ],
)
def test_json_that_is_not_sound(folder: Path, content: bytes, said: str) -> None:
    path = write_tar(folder / "a.tar", [("0.json", b'{"a": 1}'), ("1.json", content)])
    with pytest.raises(DataError, match=rf"'1.json' \(row 1 of the split 'train'\) {said}"):
        Shards(train=str(path), fields={"x": "json"}).rows(np.arange(2))


def test_archives_that_are_not_sound(folder: Path) -> None:
    write_rows(folder, "train", [3, 3])
    path = folder / "train-001.tar"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match="The shard .*train-001.tar is cut short"):
        len(Shards(train=f"{folder}/train-*.tar"))
    path.write_bytes(b"<html>" * 500)
    with pytest.raises(DataError, match="train-001.tar is no tar archive"):
        len(Shards(train=f"{folder}/train-*.tar"))
    write_tar(path, [("README", b"nothing")])
    with pytest.raises(DataError, match="train-001.tar has no rows: none of its members is named like 'name.ending'"):
        len(Shards(train=f"{folder}/train-*.tar"))
    write_tar(path, [("a.cls", b"1"), ("a.cls", b"2")])
    with pytest.raises(DataError, match="has two members 'a.cls' in one row"):
        len(Shards(train=f"{folder}/train-*.tar"))
    write_tar(path, [(f"image.{number}.png", b"") for number in range(70)])
    with pytest.raises(DataError, match="has more than 64 kinds of members"):
        len(Shards(train=f"{folder}/train-*.tar"))


def test_shards_that_are_not_there(folder: Path) -> None:
    with pytest.raises(DataError, match="No shards match '.*none-.*tar', which the split 'train' asks for"):
        len(Shards(train=f"{folder}/none-*.tar"))
    with pytest.raises(DataError, match="The shard .*none-1.tar of the split 'train' cannot be read: No such file"):
        len(Shards(train=f"{folder}/none-{{1..3}}.tar"))
    with pytest.raises(DataError, match="was given no shards"):
        len(Shards().spec)


def test_a_shard_that_changes(folder: Path) -> None:
    write_rows(folder, "train", [4])
    source = Shards(train=f"{folder}/train-000.tar")
    assert len(source) == 4
    write_rows(folder, "train", [5])
    with pytest.raises(DataError, match="train-000.tar was changed after it was found"):
        source.rows(np.arange(2))
    assert len(Shards(train=f"{folder}/train-000.tar")) == 5
    (folder / "train-000.tar").unlink()
    with pytest.raises(DataError, match="train-000.tar cannot be read: No such file"):
        source.rows(np.arange(2))


def test_members_are_looked_for_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(folder, "train", [4, 2])
    assert len(Shards(train=f"{folder}/train-*.tar")) == 6
    kept = sorted((folder / "cache/shards").iterdir())
    assert [path.suffix for path in kept] == [".npy", ".npy"]
    indexing.index.cache_clear()
    monkeypatch.setattr(indexing, "entries", lambda file, size: pytest.fail("read the headers again"))
    again = Shards(train=f"{folder}/train-*.tar")
    assert again.rows(np.array([5]))["label"].tolist() == [5]
    monkeypatch.undo()
    monkeypatch.setenv("AKID_DATA_DIR", str(folder / "cache"))
    kept[0].write_bytes(b"damaged")
    indexing.index.cache_clear()
    write_rows(folder, "train", [4, 3])
    assert len(Shards(train=f"{folder}/train-*.tar")) == 7
    assert len(list((folder / "cache/shards").iterdir())) == 4, (
        "another process may read the index of a state just gone"
    )
    for path in (folder / "cache/shards").iterdir():
        os.utime(path, (0, 0))
    write_rows(folder, "train", [4, 2, 1])
    assert len(Shards(train=f"{folder}/train-*.tar")) == 7
    kept = [path for path in (folder / "cache/shards").iterdir() if path.stat().st_mtime]
    assert len(kept) == len(list((folder / "cache/shards").iterdir())) == 3, "indexes of states long gone are left"


def test_an_index_is_an_array_on_disk(folder: Path) -> None:
    """10^7 rows take no Python objects: the index of a shard is mapped, 16 bytes for each member."""
    write_rows(folder, "train", [50])
    [shard] = find((f"{folder}/train-000.tar",), "train")
    table = indexing.index(shard).rows
    assert isinstance(table, np.memmap)
    assert (len(table), table.itemsize) == (50, 32)
    assert table["cls"][1].tolist() == [table["png"][1].sum() // 512 * 512 + 1024, 1]


def test_it_travels_and_is_read_by_threads(folder: Path) -> None:
    write_rows(folder, "train", [20, 20])
    source = pickle.loads(pickle.dumps(Shards(train=f"{folder}/train-*.tar")))
    len(source)
    source = pickle.loads(pickle.dumps(source))
    orders = [np.random.default_rng(seed).permutation(40) for seed in range(8)]
    found: dict[int, list[int]] = {}

    def work(number: int) -> None:
        found[number] = source.rows(orders[number])["label"].tolist()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: order.tolist() for number, order in enumerate(orders)}


def test_fingerprints(folder: Path) -> None:
    write_rows(folder, "train", [4, 2])
    first = Shards(train=f"{folder}/train-*.tar").fingerprint()
    for path in folder.glob("*.tar"):
        path.touch()
    assert Shards(train=f"{folder}/train-{{000..001}}.tar").fingerprint() == first, "the same rows, at another time"
    assert Shards(train=f"{folder}/train-000.tar").fingerprint() != first


def test_fingerprints_see_new_content_of_the_same_size(folder: Path) -> None:
    def known(value: float, name: str = "0.npy") -> str:
        path = write_tar(folder / "a.tar", [(name, npy(np.array([value, 2.0]))), ("1.npy", npy(np.array([3.0, 4.0])))])
        os.utime(path, ns=(0, len(seen)))
        seen.append(path.stat().st_size)
        return Shards(train=str(path), fields={"x": "npy"}).fingerprint()

    seen: list[int] = []
    assert len({known(1.0), known(1.5), known(1.5, "2.npy")}) == 3
    assert known(1.0) == known(1.0)
    assert len(set(seen)) == 1


def test_a_sensor_mixes_within_windows_and_sees_every_row_once(folder: Path) -> None:
    write_rows(folder, "train", [30, 17, 30])
    source = Shards(train=f"{folder}/train-*.tar")
    assert source.order() == Windowed()
    sensor = Sensor(source, batch_size=10, sampler=Windowed(block=8, blocks=2), seed=3)
    epochs = [
        np.concatenate([sensor.batch(epoch, step).fields["label"] for step in range(sensor.steps_per_epoch)])
        for epoch in (0, 1)
    ]
    assert [sorted(epoch.tolist()) for epoch in epochs] == [list(range(77))] * 2
    assert not np.array_equal(*epochs)
    resumed = Sensor(Shards(train=f"{folder}/train-*.tar"), batch_size=10, sampler=Windowed(block=8, blocks=2), seed=3)
    for step in (12, 5):
        assert np.array_equal(resumed.span(step, 1).fields["image"], sensor.span(step, 1).fields["image"])


def test_processes_and_threads_read_the_same_and_leave_nothing_open(folder: Path) -> None:
    write_rows(folder / "with [brackets]", "train", [30] * 3)
    source = Shards(train=f"{folder}/with [brackets]/train-{{000..002}}.tar")

    def images(reading: Reading) -> list[bytes]:
        sensor = Sensor(source, batch_size=16, sampler=Windowed(block=8, blocks=2), reading=reading)
        with sensor.spans((step, 1) for step in range(8)) as spans:
            return [span.fields["image"].tobytes() for span in spans]

    expected = images(Reading(threads=0))
    assert images(Reading(threads=3)) == expected
    assert images(Reading(processes=2)) == expected
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        open_files = [link.resolve().name for link in descriptors.iterdir()]
        assert not [name for name in open_files if name.endswith(".tar")]


def test_in_yaml() -> None:
    registry = default_manager().registry
    said = {
        "shards": {
            "train": ["a.tar", "b-{0..9}.tar"],
            "fields": {"image": {"size": [8, 9], "ending": "jpg|png"}, "label": "cls"},
        }
    }
    source = decode("source", said, registry)
    assert source.fields["image"] == Member(ending="jpg|png", size=(8, 9))
    assert encode(source, registry) == said


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("{a,b}-{0..1}", ["a-0", "a-1", "b-0", "b-1"]),
        ("s3://x/{train,val}", ["s3://x/train", "s3://x/val"]),
    ],
)
def test_braces(pattern: str, names: list[str]) -> None:
    assert expand_braces(pattern) == names


@pytest.mark.parametrize("pattern", ["a{", "a}", "{a}", "{3..1}", "{a..c}", "{}"])
def test_braces_that_mean_nothing(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="The pattern"):
        expand_braces(pattern)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ending": "mp4"}, "nothing reads members that end on 'mp4'; known are"),
        ({"ending": ""}, "ending must be like 'jpg'"),
        ({"ending": "jpg|"}, "ending must be like 'jpg'"),
        ({"ending": "npy", "dtype": "str"}, "dtype must be a type of numbers"),
    ],
)
def test_members_that_cannot_be(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Member(**settings)
