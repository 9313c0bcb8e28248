"""Losses and metrics, with labels of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.testing.draw.chance import Chance, trial
from akid_core.testing.referee import Trial


def loss(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    rows, classes = chance.turn(5, 5, 5, 2, 1, 8, 7), chance.size(2, 6)
    weight = chance.one_of(1.0, 0.5)
    scores = chance.values(rows, classes)
    margin = chance.number_from(0.1, 2)
    kind = chance.turn(
        "entropy", "entropy", "binary", "kl", "distillation", "regression", "hinge", "pairs", "hard", "triplet"
    )
    layer: Layer
    if kind == "entropy":
        return _entropy(chance, scores, weight)
    if kind == "binary":
        positive: Any = chance.one_of(1.0, 2.5, tuple(chance.number_from(0, 3) for _ in range(classes)))
        labels = chance.one_of(random.integers(0, 2, scores.shape), random.random(scores.shape).astype(np.float32))
        return trial(L.BinaryCrossEntropy(weight=weight, positive_weight=positive), scores, labels)
    if kind == "kl":
        logs = chance.one_of(True, False)
        layer = L.KLDivergence(weight=weight, scores="log_probabilities" if logs else "logits")
        return trial(layer, -np.abs(scores) if logs else scores, _shares(chance, rows, classes))
    if kind == "distillation":
        layer = L.Distillation(weight=weight, temperature=chance.number_from(0.5, 8))
        return trial(layer, scores, chance.values(rows, classes))
    if kind == "regression":
        regressions: tuple[Layer, ...] = (
            L.MeanSquaredError(weight=weight),
            L.MeanAbsoluteError(weight=weight),
            L.Huber(weight=weight, delta=chance.one_of(1.0, 0.5, 2.0)),
        )
        shape = (rows, *chance.sizes(1, 4, chance.size(0, 3)))
        return trial(chance.one_of(*regressions), chance.values(*shape), chance.values(*shape))
    if kind == "hinge":
        layer = L.Hinge(weight=weight, margin=margin, squared=chance.one_of(True, False))
        labels = chance.one_of(random.integers(0, classes, rows), random.integers(0, 2, scores.shape))
        return trial(layer, scores, labels)
    if kind == "pairs":
        sign = chance.one_of((), (random.choice([-1, 1], scores.shape),))
        layer = L.MarginRanking(weight=weight, margin=margin, hard=chance.one_of(True, False))
        return trial(layer, scores, chance.values(rows, classes), *sign)
    mask = chance.one_of((), (random.integers(0, 2, rows),))
    if kind == "hard":
        return trial(L.HardRanking(weight=weight, margin=margin), scores[:, 0], random.integers(0, 2, rows), *mask)
    return trial(
        L.TripletMargin(weight=weight, margin=margin), chance.normal(rows, 3), random.integers(0, 3, rows), *mask
    )


def metric(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    rows, classes = chance.rows(), chance.size(2, 6)
    scores = chance.values(rows, classes)
    labels = chance.one_of(random.integers(0, classes, rows), _shares(chance, rows, classes))
    of_classes: tuple[Layer, ...] = (
        L.Accuracy(),
        L.TopK(k=chance.size(1, classes)),
        L.ConfusionMatrix(),
        L.Perplexity(),
        L.BinaryAccuracy(threshold=chance.one_of(0.0, 0.5)),
        L.AUC(),
        L.MeanAveragePrecision(),
        L.SquaredError(root=chance.one_of(True, False)),
        L.AbsoluteError(),
    )
    layer = chance.turn(*of_classes)
    if isinstance(layer, L.SquaredError | L.AbsoluteError):
        return trial(layer, scores, chance.values(rows, classes))
    if isinstance(layer, L.BinaryAccuracy):
        return trial(layer, scores, random.integers(0, 2, scores.shape))
    if isinstance(layer, L.AUC | L.MeanAveragePrecision):
        return trial(
            layer, scores, chance.one_of(random.integers(0, classes, rows), random.integers(0, 2, scores.shape))
        )
    return trial(layer, scores, labels)


def _entropy(chance: Chance, scores: np.ndarray, weight: float) -> Trial:
    rows, classes = scores.shape
    weights = chance.one_of(None, tuple(chance.number_from(0.1, 2) for _ in range(classes)))
    layer = L.SoftmaxCrossEntropy(
        weight=weight, smoothing=chance.one_of(0.0, chance.number_from(0, 0.5)), class_weights=weights
    )
    labels = chance.one_of(chance.random.integers(0, classes, rows), _shares(chance, rows, classes))
    mask = chance.one_of((), (), (chance.random.integers(0, 2, rows),))
    return trial(layer, scores, labels, *mask)


def _shares(chance: Chance, rows: int, classes: int) -> np.ndarray:
    raw = np.exp(chance.normal(rows, classes))
    shares: np.ndarray = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
