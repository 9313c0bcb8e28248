"""Huggingface: data sets of the library `datasets`, as objects and from disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core.config import decode, encode
from akid_core.data import Source
from akid_core.errors import AkidWarning, ConfigurationError, DataError
from akid_core.plugins import default_manager
from akid_core.specs import TensorSpec
from akid_core.testing.sources import SourceSuite

datasets = pytest.importorskip("datasets")

from akid_datasets.formats.decoding import Decoding  # noqa: E402
from akid_datasets.sources.huggingface import Huggingface  # noqa: E402

ROWS = 6


def pictures(size: int = 4) -> Any:
    columns = {
        "image": [np.full((size, 5, 3), 10 * row, np.uint8) for row in range(ROWS)],
        "label": [row % 3 for row in range(ROWS)],
        "meta": [{"age": row, "place": [row, row + 0.5]} for row in range(ROWS)],
        "grid": [np.full((2, 2), row) for row in range(ROWS)],
    }
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["a", "b", "c"]),
            "meta": {"age": datasets.Value("uint8"), "place": datasets.Sequence(datasets.Value("float64"))},
            "grid": datasets.Array2D((2, 2), "float32"),
        }
    )
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    datasets.disable_progress_bars()
    folder = tmp_path_factory.mktemp("saved")
    both = datasets.DatasetDict(train=pictures(), validation=pictures().select([1, 2]))
    both.save_to_disk(folder)
    return folder


class TestObject(SourceSuite):
    def source(self) -> Source:
        return Huggingface(dataset=pictures())


class TestFolder(SourceSuite):
    splits = ("train", "val")

    @pytest.fixture(autouse=True)
    def _in(self, folder: Path) -> None:
        self.folder = folder

    def source(self) -> Source:
        return Huggingface(dataset=str(self.folder), decoding=Decoding(size=3))


def test_fields_and_values() -> None:
    source = Huggingface(dataset=pictures())
    assert source.spec == {
        "image": TensorSpec(("N", 3, 4, 5), "uint8"),
        "label": TensorSpec(("N",), "int64"),
        "meta/age": TensorSpec(("N",), "int64"),
        "meta/place": TensorSpec(("N", 2), "float64"),
        "grid": TensorSpec(("N", 2, 2), "float32"),
    }
    rows = source.rows(np.array([4, 1]))
    assert rows["image"][:, 0, 0, 0].tolist() == [40, 10]
    assert rows["label"].tolist() == [1, 1]
    assert rows["meta/age"].tolist() == [4, 1]
    assert rows["meta/place"].tolist() == [[4, 4.5], [1, 1.5]]
    assert rows["grid"][1].tolist() == [[1, 1], [1, 1]]


def test_a_column_of_labels_decodes_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Huggingface(dataset=pictures())
    assert source.spec["image"].row == (3, 4, 5)
    monkeypatch.setattr(Decoding, "decode", lambda *_: pytest.fail("decoded an image"))
    assert source.column("label").tolist() == [0, 1, 2, 0, 1, 2]
    assert source.column("meta/age").tolist() == [0, 1, 2, 3, 4, 5]


def test_columns_by_choice(folder: Path) -> None:
    fields = {"x": "image", "age": "meta/age"}
    source = Huggingface(dataset=folder, fields=fields, decoding=Decoding(channels=1), splits={"test": "validation"})
    assert {name: spec.row for name, spec in source.spec.items()} == {"x": (1, 4, 5), "age": ()}
    assert source.rows(np.array([3]))["age"].tolist() == [3]
    test = Huggingface(dataset=folder, fields=fields, splits={"test": "validation"}, split="test")
    assert test.rows(np.arange(2))["age"].tolist() == [1, 2]


def test_yaml_names_a_folder_but_no_object(folder: Path) -> None:
    registry = default_manager().registry
    source = decode("source", {"huggingface": {"dataset": str(folder), "decoding": {"size": 2}}}, registry)
    assert source == Huggingface(dataset=str(folder), decoding=Decoding(size=2))
    assert encode(source, registry) == {"huggingface": {"dataset": str(folder), "decoding": {"size": 2}}}
    assert not source.live_only
    live = Huggingface(dataset=pictures())
    assert live.live_only
    with pytest.raises(ConfigurationError, match="cannot be written in YAML"):
        encode(live, registry)


def test_saved_data_are_known_again(folder: Path) -> None:
    assert Huggingface(dataset=folder).fingerprint() == Huggingface(dataset=folder).fingerprint() != ""
    assert Huggingface(dataset=folder).fingerprint() != Huggingface(dataset=folder, split="val").fingerprint()


def test_a_name_is_loaded_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(*arguments: object) -> Any:
        asked.append(arguments)
        return datasets.DatasetDict(train=pictures())

    monkeypatch.setattr(datasets, "load_dataset", load)
    source = Huggingface(dataset="owner/name", config="small")
    source.fetch()
    assert len(source) == ROWS
    assert asked == [("owner/name", "small")]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A hub on this machine that has nothing, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  (named by the standard library)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


def test_offline_the_hub_is_not_asked(hub: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = datasets.config.HF_HUB_OFFLINE
    monkeypatch.setenv("AKID_OFFLINE", "1")
    source = Huggingface(dataset="owner/name-of-none")
    with pytest.raises(DataError, match="'owner/name-of-none' .*AKID_OFFLINE forbids it to"):
        source.fetch()
    assert source.about() == {}
    assert hub == []
    assert datasets.config.HF_HUB_OFFLINE is before
    monkeypatch.delenv("AKID_OFFLINE")
    with pytest.raises(DataError, match="nor a data set that can be loaded by its name"):
        source.fetch()
    assert hub, "the hub is not where it is asked"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": {"x": "lable"}}, "has no column 'lable'. Did you mean 'label'.*It has image, label, meta/age"),
        ({"splits": {"train": "training"}}, "has no split 'training'. .*It has train, validation; say which is which"),
        ({"dataset": "/nowhere/at-all"}, "is no folder that save_to_disk wrote, nor a data set that can be loaded"),
        ({"dataset": [1, 2]}, "is a list, and only a Dataset or DatasetDict has rows by number"),
    ],
)
def test_settings_that_do_not_fit(
    folder: Path, settings: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*arguments: object) -> Any:
        raise FileNotFoundError("there is none")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(DataError, match=message):
        Huggingface(**{"dataset": folder, **settings}).rows(np.arange(1))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["a", "b"], "The column 'x' of the data set given in Python holds values of the type string, .*`fields`"),
        ([1, None], "The column 'x' .*, row 1, has a missing value"),
        ([1.0, float("nan")], "The column 'x' .*, row 1, has a missing value"),
        ([1.0, float("-inf")], "The column 'x' .*, row 1, has a missing value, or one that is not finite"),
        ([[1, 2], [3]], "has a list of 1 in row 1, but one of 2 in row 0"),
        ([[1, 2], None], "has no list in row 1, but one of 2 in row 0"),
    ],
)
def test_columns_that_do_not_serve(column: list[Any], message: str) -> None:
    source = Huggingface(dataset=datasets.Dataset.from_dict({"x": column}))
    with pytest.raises(DataError, match=message):
        source.rows(np.arange(2))


def test_a_transform_is_left_out_and_that_is_said() -> None:
    turned = datasets.Dataset.from_dict({"x": [1, 2]}).with_transform(lambda rows: {"x": [-x for x in rows["x"]]})
    source = Huggingface(dataset=turned)
    with pytest.warns(AkidWarning, match="The transform .* of the data set given in Python is left out"):
        assert source.rows(np.arange(2))["x"].tolist() == [1, 2]


def test_missing_numbers() -> None:
    source = Huggingface(dataset=datasets.Dataset.from_dict({"x": [1, None], "y": [None, 0.5]}), missing=7)
    assert {name: values.tolist() for name, values in source.rows(np.arange(2)).items()} == {"x": [1, 7], "y": [7, 0.5]}


def test_images_that_do_not_fit() -> None:
    images = [np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)]
    two = datasets.Dataset.from_dict({"image": images}, features=datasets.Features({"image": datasets.Image()}))
    with pytest.raises(DataError, match=r"image in row 1 has the shape \(3, 3, 2\), but that in row 0 .*say a size"):
        Huggingface(dataset=two).rows(np.arange(2))
    broken = two.cast_column("image", datasets.Image(decode=False)).map(
        lambda row: {"image": {"bytes": b"x", "path": ""}}
    )
    with pytest.raises(DataError, match="the image in row 0 does not decode as an image"):
        Huggingface(dataset=broken).rows(np.arange(1))
