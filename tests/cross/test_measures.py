"""Losses and metrics on every backend: sequences, masks, rows that do not count, whole and in parts, and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.plugins import default_manager
from akid_core.specs import Loss, TensorSpec
from akid_core.testing.referee import compare_forward, compare_gradients

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

NATIVE = ("torch", "tensorflow")
RANDOM = np.random.default_rng(1)
LOGITS = (RANDOM.normal(size=(5, 3, 4)) * 3).astype(np.float32)
LABELS = RANDOM.integers(0, 4, (5, 3))
PADDED = np.where(np.arange(15).reshape(5, 3) % 4 == 1, -1, LABELS)
MASK = RANDOM.integers(0, 2, (5, 3))
MASK[2] = 0
SHARES = RANDOM.dirichlet(np.ones(4), (5, 3)).astype(np.float32)
EXTREME = np.array([[0, 1e4, -1e4, 30]] * 5, np.float32)
WITHOUT = np.where(np.arange(4) == 2, -np.inf, LOGITS[:, 0]).astype(np.float32)

CASES: list[tuple[Any, tuple[np.ndarray, ...]]] = [
    (L.SoftmaxCrossEntropy(), (LOGITS, LABELS)),
    (L.SoftmaxCrossEntropy(), (LOGITS, LABELS, MASK.astype(bool))),
    (L.SoftmaxCrossEntropy(ignore_index=-1, smoothing=0.1), (LOGITS, PADDED.astype(np.int8))),
    (L.SoftmaxCrossEntropy(smoothing=0.2, class_weights=(1.0, 2.0, 3.0, 0.0)), (LOGITS, LABELS, MASK)),
    (L.SoftmaxCrossEntropy(class_weights=(1.0, 2.0, 3.0, 0.5)), (LOGITS, SHARES, MASK.astype(np.float32))),
    (L.SoftmaxCrossEntropy(), (LOGITS[:, 0], LABELS[:, 0].astype(np.uint8), np.zeros(5, bool))),
    (L.SoftmaxCrossEntropy(), (EXTREME, LABELS[:, 0])),
    (L.BinaryCrossEntropy(positive_weight=2.0), (EXTREME, (LABELS[:, :1] > 1) & np.ones((1, 4), bool))),
    (L.BinaryCrossEntropy(), (np.zeros(5, np.float32), LABELS[:, 0] % 2)),
    (L.KLDivergence(), (LOGITS, np.where(SHARES > 0.2, SHARES, 0).astype(np.float32))),
    (L.HardRanking(), (LOGITS[:, 0, 0], np.ones(5, np.uint8))),
    (L.TripletMargin(), (np.ones((5, 3), np.float32), np.arange(5) % 2)),
    (L.Accuracy(), (LOGITS, LABELS, MASK)),
    (L.TopK(k=2, ignore_index=-1), (np.round(LOGITS / 3), PADDED)),
    (L.ConfusionMatrix(ignore_index=-1), (LOGITS, PADDED)),
    (L.Perplexity(), (LOGITS, LABELS, MASK)),
    (L.AUC(), (LOGITS[:, 0], LABELS[:, 0].astype(np.uint8))),
]


@pytest.mark.parametrize("backend", NATIVE)
@pytest.mark.parametrize(
    ("layer", "inputs"), CASES, ids=lambda case: repr(case) if isinstance(case, L.Accuracy) else ""
)
def test_backends_agree_with_the_referee(backend: str, layer: Any, inputs: tuple[np.ndarray, ...]) -> None:
    specs = tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)
    one = default_manager().registry.get("backend", backend)()
    errors = compare_forward(one, layer, specs, inputs=inputs)
    assert max(errors.values()) <= 1e-5, errors
    if isinstance(layer, Loss):
        errors = compare_gradients(one, layer, specs, inputs=inputs)
        assert max(errors.values()) <= 1e-4, errors


@pytest.mark.parametrize("backend", NATIVE)
def test_a_class_can_be_taken_out(backend: str) -> None:
    specs = (TensorSpec(("N", 4)), TensorSpec(("N",), "int64"))
    one = default_manager().registry.get("backend", backend)()
    inputs = (WITHOUT, np.array([0, 1, 3, 0, 1]))
    errors = compare_forward(one, L.SoftmaxCrossEntropy(), specs, inputs=inputs)
    errors |= compare_gradients(one, L.SoftmaxCrossEntropy(), specs, inputs=inputs)
    assert max(errors.values()) <= 1e-5, errors


# --- a whole run ------------------------------------------------------------------------------------------------------


def kid(backend: str, **more: Any) -> akid.Kid:
    """Points of the plane in two classes, some of which do not count, with every kind of metric."""
    random = np.random.default_rng(3)
    x = random.standard_normal((24, 2)).astype(np.float32)
    label = (x.sum(axis=1) + random.standard_normal(24) > 0).astype(np.int64)
    brain = (
        akid.Brain.sequential(L.Dense(units=6), L.Tanh(), L.Dense(units=2, name="logits"), inputs="x", outputs="logits")
        .with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
        .with_metric(L.Accuracy(), "logits", "label")
        .with_metric(L.TopK(k=1), "logits", "label")
        .with_metric(L.AUC(), "logits", "label")
        .with_metric(L.MeanAveragePrecision(), "logits", "label")
        .with_metric(L.ConfusionMatrix(), "logits", "label")
        .with_metric(L.Perplexity(), "logits", "label")
    )
    weights = random.integers(0, 3, 24).astype(np.float32)
    return akid.Kid(
        brain=brain,
        sensors=akid.sensors(train=(x, label, weights), val=(x, label), fields=("x", "label"), batch_size=8),
        optimizer=akid.Adam(learning_rate=0.05),
        practice=akid.Practice(epochs=3, checkpoint_every=1, log_every=2),
        backend=backend,
        seed=1,
        **more,
    )


def close(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("backend", NATIVE)
@pytest.mark.parametrize("parts", [1, 3])
def test_figures_are_those_of_the_referee(backend: str, parts: int) -> None:
    execution = akid.Execution(micro_batches=parts)
    result, expected = kid(backend, execution=execution).practice(), kid("numpy").practice()
    close(result.train, expected.train)
    close(result.val, expected.val)
    assert np.shape(result.val["confusion_matrix"]) == (2, 2)
    assert np.sum(result.val["confusion_matrix"]) == 24
    assert 0.6 < result.val["auc"] <= 1


@pytest.mark.parametrize("backend", ["numpy", *NATIVE])
def test_a_run_that_is_resumed_within_an_epoch_has_the_same_figures(backend: str, tmp_path: Path) -> None:
    whole = kid(backend).practice()
    kid(backend).practice(run_dir=tmp_path / "run", max_steps=5)
    resumed = kid(backend).practice(run_dir=tmp_path / "run", resume=True)
    assert resumed.train == whole.train
    assert resumed.val == whole.val


# --- rows that all count alike, where a kernel gives the mean at once -------------------------------------------------

TARGETS = np.abs(RANDOM.normal(size=(16, 3))) % 1
ALIKE: list[tuple[Any, np.ndarray]] = [
    (L.SoftmaxCrossEntropy(), RANDOM.integers(0, 3, 16)),
    (L.BinaryCrossEntropy(positive_weight=(1.0, 2.0, 0.5)), TARGETS > 0.5),
    (L.BinaryCrossEntropy(), TARGETS),
    (L.MeanSquaredError(), TARGETS),
    (L.MeanAbsoluteError(), TARGETS),
    (L.Huber(delta=0.5), TARGETS),
]


def objectives(backend: str, loss: Loss, label: np.ndarray) -> np.ndarray:
    """Of four steps."""
    x = np.random.default_rng(2).normal(size=(16, 4)).astype(np.float32)
    label = label.astype(np.float32) if label.dtype.kind == "f" else label
    brain = akid.Brain.sequential(L.Dense(units=3, name="out"), inputs="x").with_loss(loss, "out", "label")
    sensors = akid.sensors(train=(x, label), fields=("x", "label"), batch_size=8)
    one = akid.Kid(brain=brain, sensors=sensors, optimizer=akid.SGD(learning_rate=0.1), backend=backend)
    steps = (one.strategy.run(one.train_sensor.span(step, 1), np.array([0.1])) for step in range(4))
    return np.concatenate([step.objective for step in steps])


@pytest.mark.parametrize("backend", NATIVE)
@pytest.mark.parametrize(("loss", "label"), ALIKE, ids=lambda case: getattr(case, "component", str)())
def test_the_mean_of_rows_that_count_alike(backend: str, loss: Loss, label: np.ndarray) -> None:
    np.testing.assert_allclose(objectives(backend, loss, label), objectives("numpy", loss, label), rtol=1e-5)


@pytest.mark.parametrize("backend", NATIVE)
def test_a_label_that_is_no_probability_is_no_number(backend: str) -> None:
    label = np.where(np.arange(48).reshape(16, 3) == 40, 2, 1)
    assert np.isnan(objectives(backend, L.BinaryCrossEntropy(), label)).any()
