"""What fitted augmenters learnt belongs to the run: it is there without the data, and stays when the data change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from akid_core.cli.main import main

PARTS = '''
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from akid_core import Augmenter, Fitted, Source, TensorSpec


@dataclass(frozen=True, kw_only=True)
class Lines(Source):
    """The numbers in a file; it has no fingerprint."""

    path: str = "lines.txt"

    @property
    def spec(self):
        return {"x": TensorSpec(("N", 1), "float32"), "label": TensorSpec(("N",), "int64")}

    def __len__(self):
        return len(self.numbers) if self.split != "val" else 0

    def rows(self, indices):
        return {"x": self.numbers[indices, None], "label": indices % 2}

    @property
    def numbers(self):
        return np.array(Path(self.path).read_text().split(), "float32")


@dataclass(frozen=True, kw_only=True)
class Marked(Augmenter):
    """About labels alone, so that rows to predict are without it."""

    fields: tuple[str, ...] = ("label",)

    def evaluation(self):
        return self

    def apply(self, fields, random):
        return {"label": fields["label"] + 0}


@dataclass(frozen=True, kw_only=True)
class Centre(Fitted):
    fields: tuple[str, ...] = ("x",)

    def fit(self, batches):
        return {"mean": np.concatenate([batch["x"] for batch in batches]).mean(axis=0)}

    def transform(self, fields, random, learnt):
        return {"x": fields["x"] - learnt["mean"]}
'''
CONFIG = """
akid: 1
plugins: [./lines.py]
backend: numpy
sensors: {source: "lines:Lines", batch_size: 4, augment: ["lines:Marked", "lines:Centre"]}
brain:
  inputs: x
  outputs: out
  blocks: [{dense: {name: out, units: 2}}]
  losses: [{softmax_cross_entropy: {inputs: [out, label]}}]
optimizer: {sgd: {learning_rate: 0.0}}
practice: {epochs: 2}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lines.py").write_text(PARTS)
    (tmp_path / "lines.yaml").write_text(CONFIG)
    (tmp_path / "lines.txt").write_text("0 1 2 3 4 5 6 7")
    monkeypatch.chdir(tmp_path)
    np.save("raw.npy", np.array([[3.5], [4.5]], np.float32))
    np.save("ready.npy", np.array([[0.0], [1.0]], np.float32))
    assert main(["practice", "lines.yaml", "--run-dir", "run", "--max-epochs", "1"]) == 0
    return tmp_path / "run"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def test_prediction_needs_no_data(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("lines.txt").unlink()
    prepared = printed(capsys, "predict", "run", "--input", "raw.npy", "--raw")
    assert prepared == printed(capsys, "predict", "run", "--input", "ready.npy")


def test_other_data_change_nothing_of_a_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [kept] = (run / "learnt").iterdir()
    with np.load(kept) as stored:
        assert stored["mean"] == [3.5]
    Path("lines.txt").write_text("10 11 12 13 14 15 16 17")
    prepared = printed(capsys, "predict", "run", "--input", "raw.npy", "--raw")
    assert prepared == printed(capsys, "predict", "run", "--input", "ready.npy")
    printed(capsys, "practice", "lines.yaml", "--run-dir", "run", "--resume")
    with np.load(kept) as stored:
        assert stored["mean"] == [3.5]


def test_a_new_run_learns_anew_where_another_had_not_come_far(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for checkpoint in (run / "checkpoints").iterdir():
        (checkpoint / "COMMIT.json").unlink()
    Path("lines.txt").write_text("10 11 12 13 14 15 16 17")
    printed(capsys, "practice", "lines.yaml", "--run-dir", "run")
    [kept] = (run / "learnt").iterdir()
    with np.load(kept) as stored:
        assert stored["mean"] == [13.5]
