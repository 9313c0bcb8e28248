"""The real MNIST and Fashion-MNIST, whole; skipped where `fetch.py` could not get them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from akid_core.cli.main import main
from akid_core.testing.sources import SourceSuite
from akid_datasets.download import locate
from akid_datasets.sources.fashion_mnist import FashionMnist
from akid_datasets.sources.idx_set import IdxSet
from akid_datasets.sources.mnist import Mnist

# as published with the sets
COUNTS = {
    ("mnist", "train"): [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    ("mnist", "test"): [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ("fashion_mnist", "train"): [6000] * 10,
    ("fashion_mnist", "test"): [1000] * 10,
}
FIRST = {
    ("mnist", "train"): [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
    ("mnist", "test"): [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
    ("fashion_mnist", "train"): [9, 0, 0, 3, 0, 2, 7, 2, 5, 5],
    ("fashion_mnist", "test"): [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
}
MOMENTS = {"mnist": (0.1307, 0.3081), "fashion_mnist": (0.2860, 0.3530)}


def skip_without(source: IdxSet) -> None:
    for file in (file for part in source.files.values() for file in part):
        if locate(file, source.folder, source.places) is None:
            pytest.skip(f"'{file.name}' of {source.component()} is not here; tests/real/fetch.py says why")


@pytest.fixture(params=[Mnist, FashionMnist], ids=lambda made: made.component())
def real(request: pytest.FixtureRequest) -> type[IdxSet]:
    skip_without(request.param())
    return request.param


class TestSources(SourceSuite):
    splits = ("train", "val", "test")

    @pytest.fixture(autouse=True)
    def _real(self, real: type[IdxSet]) -> None:
        self.real = real

    def source(self) -> IdxSet:
        return self.real()


@pytest.mark.parametrize("split", ["train", "test"])
def test_labels(real: type[IdxSet], split: str) -> None:
    labels = real(split=split, val=0).column("label")
    assert np.bincount(labels).tolist() == COUNTS[real.component(), split]
    assert labels[:10].tolist() == FIRST[real.component(), split]


def test_pixels(real: type[IdxSet]) -> None:
    images = real(val=0).column("image")
    mean, std = MOMENTS[real.component()]
    assert (images.min(), images.max()) == (0, 255)
    assert images.mean() / 255 == pytest.approx(mean, abs=5e-5)
    assert images.std() / 255 == pytest.approx(std, abs=5e-5)


def test_classes_are_held_out_alike(real: type[IdxSet]) -> None:
    counts = np.bincount(real(split="val").column("label"))
    expected = np.array(COUNTS[real.component(), "train"]) * 5000 / 60_000
    assert counts.sum() == 5000
    assert (np.abs(counts - expected) < 1).all()


def test_debians_folder_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FashionMnist(split="test")
    skip_without(source)
    debian = tmp_path / "share"
    debian.mkdir()
    for file in source.files["test"]:
        found = locate(file, source.folder, source.places)
        assert found is not None
        shutil.copy(found, debian)
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("AKID_OFFLINE", "1")
    monkeypatch.setattr(FashionMnist, "places", (debian,))
    assert source.column("label")[:10].tolist() == FIRST["fashion_mnist", "test"]


@pytest.mark.parametrize("made", [Mnist, FashionMnist], ids=lambda made: made.component())
def test_recipes_learn(made: type[IdxSet], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skip_without(made())
    command = ["practice", made.component(), "--backend", "torch", "--run-dir", str(tmp_path), "--json"]
    assert main([*command, "--max-steps", "150"]) == 0
    test = json.loads(capsys.readouterr().out.splitlines()[-1])["test"]
    assert test["accuracy"] > {"mnist": 0.85, "fashion_mnist": 0.7}[made.component()]
