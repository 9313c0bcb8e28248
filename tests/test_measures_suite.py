"""The layer suite for losses and metrics: gradients by finite differences, YAML, one row alone, determinism."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.layers import LayerSuite

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(5, 4)).astype(np.float32)
Y = RANDOM.normal(size=(5, 4)).astype(np.float32)
STEPS = RANDOM.normal(size=(5, 3, 4)).astype(np.float32)
SHARES = RANDOM.dirichlet(np.ones(4), 5).astype(np.float32)
CLASS = np.array([3, 0, 2, 2, 1], np.uint8)
CLASSES = RANDOM.integers(0, 4, (5, 3))
MASK = RANDOM.integers(0, 2, (5, 3)).astype(bool)
YES = RANDOM.integers(0, 2, (5, 4)).astype(bool)

BY_ROW: list[tuple[Layer, tuple[np.ndarray, ...]]] = [
    (L.SoftmaxCrossEntropy(smoothing=0.1, class_weights=(1.0, 2.0, 0.5, 0.0), ignore_index=3), (X, CLASS)),
    (L.SoftmaxCrossEntropy(weight=0.5), (X, SHARES, Y[:, 0] ** 2)),
    (L.SoftmaxCrossEntropy(), (STEPS, CLASSES, MASK)),
    (L.BinaryCrossEntropy(positive_weight=(1.0, 2.0, 0.5, 0.0)), (X, YES)),
    (L.BinaryCrossEntropy(positive_weight=3.0), (X, SHARES)),
    (L.KLDivergence(scores="log_probabilities"), (X, SHARES)),
    (L.KLDivergence(), (STEPS, np.abs(STEPS))),
    (L.Distillation(temperature=2.0), (X, Y)),
    (L.Distillation(), (STEPS, STEPS * 2)),
    (L.MeanSquaredError(), (X, Y)),
    (L.MeanAbsoluteError(), (X, Y)),
    (L.Huber(delta=0.7), (X, Y)),
    (L.Hinge(squared=True), (X, CLASS)),
    (L.Hinge(margin=0.5), (X, YES)),
    (L.MarginRanking(margin=0.5), (X, Y, np.where(YES, 1, -1))),
    (L.MarginRanking(hard=True), (X[:, 0], Y[:, 0])),
]
TOGETHER: list[tuple[Layer, tuple[np.ndarray, ...]]] = [
    (L.HardRanking(margin=2.0), (X[:, :1], CLASS % 2)),
    (L.TripletMargin(margin=0.5), (X, CLASS % 2, Y[:, 1] ** 2)),
]
METRICS: list[tuple[Layer, tuple[np.ndarray, ...]]] = [
    (L.Accuracy(ignore_index=2), (STEPS, CLASSES, MASK)),
    (L.TopK(k=2), (X, CLASS)),
    (L.ConfusionMatrix(), (X, SHARES)),
    (L.Perplexity(), (STEPS, CLASSES)),
    (L.BinaryAccuracy(threshold=0.1), (X, YES)),
    (L.AUC(), (X, YES)),
    (L.MeanAveragePrecision(), (X, CLASS)),
    (L.SquaredError(root=True), (X, Y)),
    (L.AbsoluteError(), (X, Y)),
]


class Measures(LayerSuite):
    @pytest.fixture
    def layer(self, case: Any) -> Layer:
        return case[0]  # type: ignore[no-any-return]

    @pytest.fixture
    def inputs(self, case: Any) -> tuple[np.ndarray, ...]:
        return case[1]  # type: ignore[no-any-return]

    @pytest.fixture
    def in_specs(self, inputs: tuple[np.ndarray, ...]) -> Sequence[TensorSpec]:
        return tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)


@pytest.mark.parametrize("case", BY_ROW, ids=lambda case: case[0].component())
class TestOfRows(Measures):
    pass


@pytest.mark.parametrize("case", TOGETHER, ids=lambda case: case[0].component())
class TestOfBatches(Measures):
    by_row = False


@pytest.mark.parametrize("case", METRICS, ids=lambda case: case[0].component())
class TestOfMetrics(Measures):
    differentiable = False
