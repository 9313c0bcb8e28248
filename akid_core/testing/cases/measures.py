"""Losses and metrics: dense and index labels, rows that do not count, large logits."""

from __future__ import annotations

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

RANDOM = np.random.default_rng(12)
VALUES = RANDOM.normal(size=(5, 4)).astype(np.float32)
OTHERS = RANDOM.normal(size=(5, 4)).astype(np.float32)
CLASSES = np.array([3, 0, 2, 2, 1])
SHARES = (np.exp(OTHERS) / np.exp(OTHERS).sum(axis=1, keepdims=True)).astype(np.float32)

YES_NO = RANDOM.integers(0, 2, (5, 4))
MASK = np.array([1.0, 0.0, 1.0, 0.5, 1.0], np.float32)
SIGN = np.array([1, -1, -1, 1, 1])


def of(layer: Layer, *inputs: np.ndarray) -> Trial:
    """A loss or metric of these inputs, the batch first."""
    specs = tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)
    return Trial(layer=layer, in_specs=specs, inputs=inputs)


TRIALS = (
    of(L.SoftmaxCrossEntropy(), VALUES, CLASSES),
    of(L.SoftmaxCrossEntropy(weight=0.5), 100 * VALUES, CLASSES),
    of(L.SoftmaxCrossEntropy(smoothing=0.1, class_weights=(1.0, 2.0, 0.5, 0.0)), VALUES, CLASSES),
    of(L.SoftmaxCrossEntropy(), VALUES, SHARES),
    of(L.SoftmaxCrossEntropy(), VALUES, np.abs(OTHERS)),  # labels need not sum to 1
    of(L.SoftmaxCrossEntropy(ignore_index=2), VALUES, CLASSES, MASK),
    of(L.BinaryCrossEntropy(), VALUES, YES_NO),
    of(L.BinaryCrossEntropy(positive_weight=(1.0, 3.0, 0.5, 2.0)), 100 * VALUES, SHARES),
    of(L.BinaryCrossEntropy(positive_weight=2.0), VALUES[:, :1], YES_NO[:, 0]),
    of(L.KLDivergence(), VALUES, SHARES),
    of(L.KLDivergence(scores="log_probabilities"), -np.abs(VALUES), SHARES),
    of(L.Distillation(), VALUES, OTHERS),
    of(L.Distillation(temperature=0.5), 10 * VALUES, OTHERS),
    of(L.MeanSquaredError(weight=2.0), VALUES, OTHERS),
    of(L.MeanAbsoluteError(), np.round(VALUES), np.round(OTHERS)),
    of(L.Huber(), 3 * VALUES, OTHERS),
    of(L.Huber(delta=0.5), np.round(2 * VALUES) / 2, np.round(2 * OTHERS) / 2),
    of(L.Hinge(), VALUES, CLASSES),
    of(L.Hinge(squared=True, margin=0.5), VALUES, YES_NO),
    of(L.MarginRanking(), VALUES, OTHERS),
    of(L.MarginRanking(hard=True, margin=0.5), VALUES[:, 0], OTHERS[:, 0], SIGN),
    of(L.HardRanking(), VALUES[:, 0], YES_NO[:, 0]),
    of(L.HardRanking(margin=0.3), VALUES[:, :1], YES_NO[:, 0], MASK),
    of(L.TripletMargin(), VALUES, YES_NO[:, 0]),
    of(L.TripletMargin(margin=0.3), np.round(VALUES), CLASSES // 2, MASK),
    of(L.Accuracy(), VALUES, CLASSES),
    of(L.Accuracy(), np.round(VALUES), SHARES),
    of(L.TopK(k=2), np.round(VALUES), CLASSES),
    of(L.ConfusionMatrix(), VALUES, CLASSES),
    of(L.ConfusionMatrix(), VALUES, SHARES),
    of(L.Perplexity(), VALUES, CLASSES),
    of(L.BinaryAccuracy(), VALUES, YES_NO),
    of(L.BinaryAccuracy(threshold=0.5), np.round(VALUES[:, :1]), YES_NO[:, 0]),
    of(L.AUC(), VALUES[:, 0], YES_NO[:, 0]),
    of(L.AUC(), VALUES, CLASSES),
    of(L.MeanAveragePrecision(), VALUES, YES_NO),
    of(L.SquaredError(), VALUES, OTHERS),
    of(L.AbsoluteError(), VALUES, OTHERS),
)
