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
from akid_core.errors import DataError
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


@dataclass(frozen=True, kw_only=True)
class Halved(Augmenter):
    """Numbers of -1 to 1, and labels as a vector of two thirds and one third."""

    def outputs(self, spec):
        return {"image": TensorSpec(("N", 3, 2, 2), "float32"), "label": TensorSpec(("N", 4), "float32")}

    def evaluation(self):
        return self

    def undone(self, fields):
        return {"image": (fields["image"] + 1) / 2}

    def apply(self, fields, random):
        label = np.tile(np.float32([0, 1 / 3, 0, 2 / 3]), (len(fields["label"]), 1))
        return {"image": (fields["image"] / 127.5 - 1).astype("float32"), "label": label}


@dataclass(frozen=True, kw_only=True)
class Stretched(Halved):
    def undone(self, fields):
        return fields


@dataclass(frozen=True, kw_only=True)
class Torn(Squares):
    """Rows 3 and 70 cannot be read, nor any to validate."""

    size: int = 100

    def __len__(self):
        return self.size if self.split != "test" else 0

    def rows(self, indices):
        if self.split == "val":
            raise DataError("The file val.bin is cut.")
        for row in indices:
            if row in (3, 70):
                raise DataError(f"The file {row}.png (row {row}) is empty.")
        return super().rows(indices)


@hookimpl
def akid_sources():
    yield SourceInfo(name="squares", target="squares:Squares", summary="grey squares")
    yield SourceInfo(name="torn", target="squares:Torn", summary="grey squares that are torn")


@hookimpl
def akid_augmenters():
    yield AugmenterInfo(name="white", target="squares:White", summary="all white")
    yield AugmenterInfo(name="halved", target="squares:Halved", summary="of -1 to 1")
    yield AugmenterInfo(name="stretched", target="squares:Stretched", summary="of -1 to 1, and no way back")
'''
FAR = """
from dataclasses import dataclass

import numpy as np

from akid_core import Source, TensorSpec
from akid_core.errors import DataError, MissingFilesError
from akid_core.plugin_api import SourceInfo, hookimpl


@dataclass(frozen=True, kw_only=True)
class Far(Source):
    name: str = "a"
    spec = {"image": TensorSpec(("N", 3, 2, 2), "uint8")}

    def __len__(self):
        return 5

    def rows(self, indices):
        return {"image": np.zeros((len(indices), 3, 2, 2), "uint8")}

    def about(self):
        return {"classes": ("cat", "dog")}

    def fetch(self):
        if not self.name:
            raise DataError("It has no name.")
        raise MissingFilesError("Two files are not here.", ["one.gz", "two.gz"])


@hookimpl
def akid_sources():
    yield SourceInfo(name="far", target="far:Far", summary="elsewhere")
"""
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
        (
            ["show", "squares.yaml", "--set", "sizes=3"],
            78,
            "sensors.source.squares.sizes: unknown key 'sizes'. Did you",
        ),
        (["show", "held_out"], 78, "The source 'held_out' needs 'source': --set source=…."),
        (["info", "held_out"], 78, "The source 'held_out' needs 'source': --set source=…."),
        (["info", "held_out", "--set", "sorce=1"], 78, "The source 'held_out' needs 'source'"),
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


def pixels(path: Path) -> np.ndarray:
    with pytest.importorskip("PIL.Image").open(path) as sheet:
        return np.asarray(sheet.convert("L")).astype(int)


def test_settings_of_the_source_have_their_names_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("PIL.Image")
    for settings in (["size=3"], ["sensors.source.size=3"], ["size=4", "sensors.source.size=3"]):
        given = [f"--set={setting}" for setting in settings]
        assert main(["data", "show", "squares.yaml", *given]) == 0
        assert "of 3 rows" in capsys.readouterr().out
    for command in ("info", "check"):
        assert main(["data", command, "squares.yaml", "--set", "size=3"]) == 0
        assert "train 3" in capsys.readouterr().out.replace("train: 3", "train 3")


@pytest.mark.parametrize("augmenter", ["halved", "stretched"])
def test_cells_share_what_is_black_and_white(augmenter: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Row r has the bytes r; as a number of -1 to 1 that is r / 127.5 - 1, which the first augmenter can undo."""
    settings = ["--set", f"sensors.augment=[{augmenter}]", "--set", "size=255", "--output", "new/out.png"]
    assert main(["data", "show", "squares.yaml", "--rows", "5", "--epochs", "1", *settings]) == 0
    sheet = pixels(folder / "new/out.png")
    line = 100 + 2 * 14  # two entries of the label are told
    assert sheet.shape == (20 + 5 * line, 96 + 3 * 100)
    stored, *others = sheet[20 + 48 :: line, 96 + 48 :: 100].T
    black = (stored.min() / 127.5 - 1) if augmenter == "stretched" else -1
    for cells in others:
        assert np.allclose(cells, (stored / 127.5 - 1 - black) / (1 - black) * 255, atol=1)
    stated = f"; black is {black:.3g}, white 1" if augmenter == "stretched" else ""
    assert capsys.readouterr().out.rstrip().endswith(f"columns: stored, epoch 0, evaluation{stated}")
    below = sheet[20 + 96 : 20 + line]
    assert (below[:, 96:196] == 255).all(), "the label that is stored is told at the left"
    assert (below[:, 196:296] < 128).any()


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


def test_every_row_that_cannot_be_read_is_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "torn.yaml").write_text(CONFIG.replace("source: squares", "source: torn"))
    assert main(["data", "check", "torn.yaml"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "The file 3.png (row 3) is empty.",
        "The file 70.png (row 70) is empty.",
        "train: 2 errors",
        "The file val.bin is cut. It happened while reading row 0 of the split 'val'. "
        "Rows 0 to 63 fail alike; those after them are not tried.",
        "val: 1 error",
        "test: 0 rows can be read",
    ]


def test_what_is_left_to_download_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "far.py").write_text(FAR)
    (folder / "far.yaml").write_text(CONFIG.replace("squares", "far").replace("[white]", "[]"))
    assert main(["data", "info", "far.yaml", "--set", "name=b c"]) == 0
    said = capsys.readouterr().out
    assert "missing: one.gz, two.gz; to download: akid data fetch far.yaml '--set=name=b c'" in said
    assert "classes: cat, dog" in said
    assert main(["data", "info", "far.yaml", "--set", "name=''"]) == 0
    assert "missing: It has no name.\n" in capsys.readouterr().out
