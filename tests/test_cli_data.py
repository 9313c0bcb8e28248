"""`akid data`: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from akid_core.cli.main import main
from akid_core.data.place import OFFLINE

PARTS = '''
from dataclasses import dataclass

import numpy as np

from akid_core import Augmenter, Source, TensorSpec
from akid_core.plugin_api import AugmenterInfo, SourceInfo, hookimpl


@dataclass(frozen=True, kw_only=True)
class Squares(Source):
    """Row r is a grey square of r, 3 channels of 2x2."""

    size: int = 5

    @property
    def spec(self):
        return {"image": TensorSpec(("N", 3, 2, 2), "uint8"), "label": TensorSpec(("N",), "int64")}

    def __len__(self):
        return self.size if self.split == "train" else 0

    def rows(self, indices):
        image = np.broadcast_to(indices.astype("uint8")[:, None, None, None], (len(indices), 3, 2, 2))
        return {"image": image.copy(), "label": indices.copy()}


@dataclass(frozen=True, kw_only=True)
class White(Augmenter):
    def apply(self, fields, random):
        return {name: np.full_like(fields[name], 255) for name in self.fields}


@hookimpl
def akid_sources():
    yield SourceInfo(name="squares", target="squares:Squares", summary="grey squares")


@hookimpl
def akid_augmenters():
    yield AugmenterInfo(name="white", target="squares:White", summary="all white")
'''
CONFIG = """
akid: 1
plugins: [./squares.py]
sensors: {source: squares, batch_size: 2, augment: [white]}
brain: {inputs: image, outputs: out, blocks: [flatten, {dense: {name: out, units: 2}}]}
optimizer: adam
practice: {epochs: 1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "squares.py").write_text(PARTS)
    (tmp_path / "squares.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sheet_shows_what_augmenters_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("PIL.Image")
    assert main(["data", "show", "squares.yaml", "--rows", "3", "--epochs", "2", "--output", "out.png"]) == 0
    assert capsys.readouterr().out.strip().endswith("'image' of 3 rows; columns: stored, epoch 0, epoch 1")
    with image.open(folder / "out.png") as sheet:
        pixels = np.asarray(sheet.convert("L"))
    # the words take 96 pixels, a picture 96 and a gap of 4
    assert pixels.shape == (20 + 3 * 100, 96 + 3 * 100)
    stored = sorted(int(pixels[20 + 100 * row + 48, 96 + 48]) for row in range(3))
    assert len(set(stored)) == 3
    assert set(stored) < {0, 1, 2, 3, 4}
    assert all(pixels[20 + 100 * row + 48, 96 + 100 * column + 48] == 255 for row in range(3) for column in (1, 2))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "squares.yaml", "--field", "label"], 2, "a picture is of shape (1, 3 or 4, height, width)"),
        (["show", "squares.yaml", "--output", "sheet.jpg"], 2, "a sheet is written as .png"),
        (["show", "squares.yaml", "--rows", "-3"], 2, "--rows -3: it must be at least 1."),
        (["show", "squares.yaml", "--epochs", "-1"], 2, "--epochs -1: it must be at least 0."),
        (["show", "squares.yaml", "--split", "val"], 1, "The 'val' split of the source 'squares' has no rows"),
        (["show", "squares.yaml", "--set", "sensors.augment=[whit]"], 78, "Did you mean 'white'?"),
        (["info", "nowhere"], 78, "There is no source 'nowhere'"),
        (["fetch", "nowhere"], 78, "There is no source 'nowhere'"),
        (["show", "nowhere"], 78, "There is no source 'nowhere'"),
    ],
)
def test_what_cannot_be_shown(
    arguments: list[str], code: int, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *arguments]) == code
    assert said in capsys.readouterr().err
    assert not list(folder.glob("*.png"))


def test_a_sheet_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = pytest.importorskip("PIL.Image")

    def full(self: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    (folder / "out.png").write_bytes(b"before")
    monkeypatch.setattr(image.Image, "save", full)
    assert main(["data", "show", "squares.yaml", "--output", "out.png"]) == 1
    assert (folder / "out.png").read_bytes() == b"before"
    assert [path.name for path in folder.glob("*png*")] == ["out.png"]


@pytest.mark.parametrize("before", [None, "", "1"])
def test_to_ask_leaves_downloads_as_they_were(
    before: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OFFLINE, raising=False)
    if before is not None:
        monkeypatch.setenv(OFFLINE, before)
    monkeypatch.syspath_prepend(str(folder))
    for name in ("squares:Squares", "nowhere"):
        main(["data", "info", name])
        assert os.environ.get(OFFLINE) == before


def test_what_is_known_of_a_source(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder))
    assert main(["data", "info", "squares:Squares", "--set", "size=7", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["fields"] == {"image": "uint8[N, 3, 2, 2]", "label": "int64[N]"}
    assert known["rows"] == {"train": 7, "val": 0, "test": 0}
    assert main(["data", "fetch", "squares:Squares"]) == 0
    assert capsys.readouterr().out == "squares:Squares: all is here\n"


def test_a_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--json"]) == 0
    assert all(set(row) == {"name", "summary", "from"} for row in json.loads(capsys.readouterr().out))
