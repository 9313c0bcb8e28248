"""Raw rows are prepared for prediction as the sensors prepare them for evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.cli.main import main

PARTS = '''
from dataclasses import dataclass

import numpy as np

from akid_core import Augmenter, Source, TensorSpec


@dataclass(frozen=True, kw_only=True)
class Bytes(Source):
    @property
    def spec(self):
        return {"x": TensorSpec(("N", 2), "uint8"), "label": TensorSpec(("N",), "int64")}

    def __len__(self):
        return 8 if self.split == "train" else 0

    def rows(self, indices):
        return {"x": np.stack([indices, 255 - indices], 1).astype("uint8"), "label": indices % 2}


@dataclass(frozen=True, kw_only=True)
class Unit(Augmenter):
    """Bytes to 0..1, always."""

    fields: tuple[str, ...] = ("x",)

    def outputs(self, spec):
        return {**spec, **{name: spec[name].with_dtype("float32") for name in self.fields}}

    def evaluation(self):
        return self

    def apply(self, fields, random):
        return {name: fields[name].astype("float32") / 255 for name in self.fields}


@dataclass(frozen=True, kw_only=True)
class Noise(Augmenter):
    """Never in evaluation."""

    fields: tuple[str, ...] = ("x",)

    def apply(self, fields, random):
        return {name: fields[name] + random.uniform()[:, None].astype("float32") for name in self.fields}


@dataclass(frozen=True, kw_only=True)
class Vector(Unit):
    """Labels as vectors: it is about labels alone."""

    fields: tuple[str, ...] = ("label",)

    def outputs(self, spec):
        return {**spec, "label": akid_spec(("N", 2))}

    def apply(self, fields, random):
        return {"label": np.eye(2, dtype="float32")[fields["label"]]}


def akid_spec(shape):
    return TensorSpec(shape, "float32")
'''
CONFIG = """
akid: 1
plugins: [./parts.py]
backend: numpy
sensors: {source: "parts:Bytes", batch_size: 4, augment: ["parts:Unit", "parts:Noise", "parts:Vector"]}
brain:
  inputs: x
  outputs: out
  blocks: [{dense: {name: out, units: 2}}]
  losses: [{softmax_cross_entropy: {inputs: [out, label]}}]
optimizer: adam
practice: {epochs: 1}
"""
RAW = np.array([[0, 255], [51, 102], [255, 0]], np.uint8)
READY = np.array([[0.0, 1.0], [0.2, 0.4], [1.0, 0.0]], np.float32)


def outputs(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["predict", "run", *arguments]) == 0
    return capsys.readouterr().out


def test_raw_rows_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "run.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    np.save("raw.npy", RAW)
    np.save("ready.npy", READY)
    assert main(["practice", "run.yaml", "--run-dir", "run"]) == 0
    capsys.readouterr()
    prepared = outputs(capsys, "--input", "raw.npy", "--raw")
    assert prepared == outputs(capsys, "--input", "ready.npy")
    assert prepared != outputs(capsys, "--input", "raw.npy")


def test_arrays_given_in_python() -> None:
    brain = akid.Brain.sequential(L.Dense(units=2, name="out"), inputs="x", outputs="out")
    kid = akid.Kid(brain=brain, sensors=akid.sensors(train={"x": READY}, batch_size=3), backend="numpy")
    assert np.array_equal(kid.prepare(READY)["x"], READY)
    assert np.array_equal(kid.prepare({"x": READY, "label": np.zeros(3, int)})["x"], READY)
