"""Raw rows are prepared for prediction as the sensors prepare them for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.cli.main import main
from akid_core.data import Augmenter, Chain, Draws
from akid_core.errors import DataError
from akid_core.plugins import default_manager

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
    np.save("wide.npy", np.zeros((3, 4), np.uint8))
    assert main(["predict", "run", "--input", "wide.npy", "--raw"]) == 1
    assert capsys.readouterr().err == (
        "akid: wide.npy: The rows of 'x' are uint8[3, 4], but those of the source 'bytes' are uint8[N, 2], N being the "
        "rows: bring them to that first.\n"
    )
    assert main(["predict", "run", "--input", "wide.npy"]) == 1
    assert "Rows as the source gives them are prepared first: `akid predict --raw`" in capsys.readouterr().err


def test_arrays_given_in_python() -> None:
    brain = akid.Brain.sequential(L.Dense(units=2, name="out"), inputs="x", outputs="out")
    kid = akid.Kid(brain=brain, sensors=akid.sensors(train={"x": READY}, batch_size=3), backend="numpy")
    assert np.array_equal(kid.prepare(READY)["x"], READY)
    assert np.array_equal(kid.prepare({"x": READY, "label": np.zeros(3, int)})["x"], READY)


@dataclass(frozen=True, kw_only=True)
class Plus(Augmenter):
    """Adds 1 or, with `chance`, a random number, in evaluation too."""

    chance: bool = False

    def evaluation(self) -> Augmenter:
        return self

    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        more = random.uniform()[:, None].astype(np.float32) if self.chance else np.float32(1)
        return {name: fields[name] + more for name in self.fields}


def prepared(*augment: Augmenter) -> np.ndarray:
    sensors = akid.sensors(train={"x": READY, "mask": READY, "label": np.arange(3)}, batch_size=3, augment=augment)
    made = sensors.prepare(READY, default_manager().registry, ("x",))
    assert set(made) == {"x"}
    return made["x"]


def test_what_is_about_other_fields_is_left_out_of_chains_too() -> None:
    chain = Chain(augment=(Plus(fields=("label",)), Chain(augment=(Plus(fields=("x",)),)), Plus(fields=("mask",))))
    assert np.array_equal(prepared(chain), READY + 1)
    assert np.array_equal(prepared(Chain(augment=(Plus(fields=("label",)),))), READY)


def test_fields_that_go_together_need_not_all_be_given() -> None:
    assert np.array_equal(prepared(Plus(fields=("mask", "x"))), READY + 1)


def test_what_is_left_out_changes_no_name() -> None:
    expected = Draws(0, "all/plus_2", 0, np.arange(3)).uniform()[:, None].astype(np.float32)
    chain = Chain(name="all", augment=(Plus(fields=("label",), chance=True), Plus(fields=("x",), chance=True)))
    assert np.array_equal(prepared(chain), READY + expected)


@dataclass(frozen=True, kw_only=True)
class Bytes(akid.Source):
    """Pictures of a known size and any number of numbers."""

    away: bool = False

    @property
    def spec(self) -> Mapping[str, akid.TensorSpec]:
        if self.away:
            raise DataError("It is not on this machine.")
        return {"x": akid.TensorSpec(("N", 2, 3), "uint8"), "series": akid.TensorSpec(("N", "T"), "int64")}

    def __len__(self) -> int:
        return 1

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        raise AssertionError("nothing is read")


@pytest.mark.parametrize(
    ("rows", "fits"),
    [
        ({"x": np.zeros((4, 2, 3), np.uint8)}, True),
        ({"x": np.zeros((4, 2, 3), np.float64)}, True),  # bytes that were brought to 0..1
        ({"x": np.zeros((4, 2, 4), np.uint8)}, False),
        ({"x": np.zeros((2, 3), np.uint8)}, False),
        ({"x": np.zeros((4, 2, 3), np.int64)}, False),
        ({"series": np.zeros((4, 9), np.int32)}, True),
        ({"series": np.zeros((4, 9, 1), np.int32)}, False),
        ({"other": np.zeros((4, 9, 1), np.int32)}, True),
    ],
)
def test_rows_are_held_against_the_source(rows: Mapping[str, np.ndarray], fits: bool) -> None:
    [(name, values)] = rows.items()
    registry = default_manager().registry
    assert np.array_equal(akid.sensors(Bytes(away=True)).prepare(rows, registry)[name], values)
    if fits:
        assert np.array_equal(akid.sensors(Bytes()).prepare(rows, registry)[name], values)
        return
    with pytest.raises(DataError, match=f"The rows of '{name}' are {values.dtype}.* the source 'bytes' are .*N, "):
        akid.sensors(Bytes()).prepare(rows, registry)
