"""Fields of any type and in any nesting reach networks, losses and metrics, alike on every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.cli.main import main
from akid_core.errors import SpecError

BACKENDS = ("numpy", "torch", "tensorflow")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
TYPES = ("bool", *INTEGERS, "float16", "float32", "float64")
RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(12, 3)).astype(np.float32)
LABELS = np.arange(12) % 4
MASK = np.arange(12) % 3 > 0


@dataclass(frozen=True, kw_only=True)
class Typed(akid.Source):
    """Twelve rows whose labels and masks are of the types asked for, one axis or not."""

    label: str = "int64"
    mask: str = "float32"

    @property
    def spec(self) -> Mapping[str, akid.TensorSpec]:
        return {
            "point": akid.TensorSpec(("N", 3), "float32"),
            "label": akid.TensorSpec(("N",), self.label),
            "mask": akid.TensorSpec(("N",), self.mask),
        }

    def __len__(self) -> int:
        return 12 if self.split == "train" else 0

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {
            "point": POINTS[indices],
            "label": LABELS[indices].astype(self.label),
            "mask": MASK[indices].astype(self.mask),
        }


def trained(source: akid.Source, loss: L.SoftmaxCrossEntropy | L.BinaryCrossEntropy, units: int, backend: str) -> float:
    """The loss over all rows before training, and whatever else might fail in two epochs of it."""
    inputs = ("label", "mask") if isinstance(loss, L.SoftmaxCrossEntropy) else ("label",)
    brain = akid.Brain.sequential(L.Dense(units=units, name="scores"), inputs="point", outputs="scores").with_loss(
        loss, "scores", *inputs
    )
    kid = akid.Kid(
        brain=brain, sensors=akid.sensors(source, batch_size=5), practice=akid.Practice(epochs=2), backend=backend
    )
    first = kid.validate("train")["loss"]
    assert np.isfinite(kid.practice().train["loss"])
    return float(first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_and_masks_of_any_type(backend: str) -> None:
    pairs = list(zip(INTEGERS * 2, TYPES, strict=False))
    values = {pair: trained(Typed(label=pair[0], mask=pair[1]), L.SoftmaxCrossEntropy(), 4, backend) for pair in pairs}
    assert values == dict.fromkeys(pairs, trained(Typed(), L.SoftmaxCrossEntropy(), 4, backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_binary_labels_of_any_type(backend: str) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Binary(Typed):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            return {**super().rows(indices), "label": MASK[indices].astype(self.label)}

    values = {name: trained(Binary(label=name), L.BinaryCrossEntropy(), 1, backend) for name in TYPES}
    assert values == dict.fromkeys(TYPES, values["float32"])


NESTED = {
    "point": POINTS,
    "meta": {"age": RANDOM.normal(size=(12, 2)).astype(np.float32), "truth": {"class": LABELS, "known": MASK}},
}


def nested_brain() -> akid.Brain:
    return akid.Brain.graph(
        L.Concat(name="both").on("point", "meta/age"),
        L.Dense(units=4, name="scores").on("both"),
        inputs=("point", "meta/age"),
        outputs="scores",
    ).with_loss(L.SoftmaxCrossEntropy(), "scores", "meta/truth/class", "meta/truth/known")


@pytest.mark.parametrize("backend", BACKENDS)
def test_nested_fields_in_python(backend: str) -> None:
    kid = akid.Kid(
        brain=nested_brain().with_metric(L.Accuracy(), "scores", "meta/truth/class"),
        sensors=akid.sensors(train=NESTED, batch_size=5),
        practice=akid.Practice(epochs=3),
        backend=backend,
    )
    values = kid.practice().train
    assert np.isfinite(values["loss"])
    # By hand, with the weights as they are: the mean of -log softmax over the rows that the mask keeps.
    inputs = np.concatenate([POINTS, NESTED["meta"]["age"]], axis=1).astype(np.float64)
    scores = inputs @ kid.network["scores/weight"] + kid.network["scores/bias"]
    likelihood = scores[np.arange(12), LABELS] - np.log(np.exp(scores).sum(axis=1))
    assert kid.validate("train")["loss"] == pytest.approx(-likelihood[MASK].mean(), rel=1e-5)
    predicted = kid.predict({"point": POINTS, "meta/age": NESTED["meta"]["age"]})
    assert np.allclose(predicted, scores, atol=1e-5)


YAML = """
akid: 1
backend: {backend}
sensors: {{source: {{npz: {{path: data.npz}}}}, batch_size: 4}}
brain:
  inputs: [point, meta/age]
  outputs: scores
  blocks:
    - {{concat: {{name: both, inputs: [point, meta/age]}}}}
    - {{dense: {{name: scores, units: 4}}}}
  losses: [{{softmax_cross_entropy: {{inputs: [scores, meta/truth/class, meta/truth/known]}}}}]
practice: {{epochs: 2}}
optimizer: adam
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_nested_fields_in_yaml(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    meta = NESTED["meta"]
    np.savez(
        "data.npz",
        **{"point": POINTS, "meta/age": meta["age"], "meta/truth/class": LABELS, "meta/truth/known": MASK},
    )
    Path("nested.yaml").write_text(YAML.format(backend=backend), encoding="utf-8")
    assert main(["practice", "nested.yaml", "--run-dir", "run"]) == 0
    assert main(["validate", "run", "--split", "train"]) == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_types_that_networks_do_not_know(backend: str) -> None:
    pixels = np.zeros((12, 3), np.uint16)
    brain = akid.Brain.sequential(L.Flatten(name="flat"), inputs="pixels", outputs="flat")
    brain = brain.with_loss(L.MeanSquaredError(), "flat", "pixels")
    with pytest.raises(SpecError, match=r"field 'pixels' is uint16\[N, 3\].*uint8"):
        akid.Kid(brain=brain, sensors=akid.sensors(train={"pixels": pixels}, batch_size=4), backend=backend).practice()
