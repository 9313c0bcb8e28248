"""Metrics of order: exact over all rows, which are gathered until they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from akid_core.layers.labels import check_binary, check_classes, is_index
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Metric
from akid_core.specs.tensor import TensorSpec, wider


class Tied(NamedTuple):
    """The total weight of positive and of negative rows at each distinct score, in ascending order of the scores."""

    positive: np.ndarray
    negative: np.ndarray


@dataclass(frozen=True, kw_only=True)
class OrderMetric(Metric):
    """A figure of the order in which scores put rows: the mean over classes that have one.

    Scores and labels of all rows are kept until the figure is asked for, in checkpoints too: memory grows with the
    rows. Rows of weight 0 do not count. A score that is not a number makes the figure not a number.
    """

    parts: ClassVar[tuple[str, ...]] = ("score", "label", "weight")
    reduction: ClassVar[str] = "gather"

    def check(self, scores: TensorSpec, labels: TensorSpec) -> None:
        if is_index(labels) and labels.rank == 1 and scores.rank == 2 and scores.shape[1] != 1:
            check_classes(scores, labels)
        else:
            check_binary(scores, labels)
            if scores.rank > 2:
                raise ValueError(f"takes scores (batch,) or (batch, classes), got {scores}")

    def outputs(self, *inputs: TensorSpec) -> tuple[TensorSpec, ...]:
        self.check(*inputs)
        scores, labels = (spec.with_dtype(wider(spec.dtype)) if spec.floating else spec for spec in inputs)
        return scores, labels, TensorSpec(scores.shape[:1], "float32")

    def forward(self, context: Context, scores: Array, labels: Array, weights: Array) -> tuple[Array, Array, Array]:
        ops, (score, label, _) = context.ops, context.call.out_specs
        scores = ops.stop_gradient(ops.astype(scores, score.dtype))
        return scores, ops.astype(labels, label.dtype), ops.astype(weights, "float32")

    def result(self, state: Mapping[str, Any]) -> float:
        """The figure; not a number where no class has one."""
        figures = [figure for tied in _classes(state) if (figure := self.figure(tied)) is not None]
        return float(np.mean(figures)) if figures else float("nan")

    def figure(self, tied: Tied) -> float | None:
        """The figure of one class; None where it has none."""
        raise NotImplementedError(f"{type(self).__name__} has no figure")


@dataclass(frozen=True, kw_only=True)
class AUC(OrderMetric):
    """The area under the ROC curve: the probability that a positive row has a larger score than a negative one.

    A tie counts one half, a pair of rows as much as the product of their sample weights; the figure is that of all
    rows of an epoch or split, not a mean over batches. Of several classes: the mean over those that have positive and
    negative rows; where there is none, as when all rows are of one class, the figure is not a number. All scores are
    kept until it is asked for, in checkpoints too.

    Of yes or no: scores (batch,) or (batch, 1), labels of the same shape or (batch,), above 1/2 where yes. Of several
    questions at once: scores and labels (batch, classes). Of one class among several: logits (batch, classes) and
    integer indices (batch,); a class's score is its softmax, and an index that names no class is left out.
    """

    def figure(self, tied: Tied) -> float | None:
        pairs = float(tied.positive.sum()) * float(tied.negative.sum())
        below = np.cumsum(tied.negative) - tied.negative / 2
        return float(np.sum(tied.positive * below)) / pairs if pairs else None


@dataclass(frozen=True, kw_only=True)
class MeanAveragePrecision(OrderMetric):
    """The mean over classes of the average precision: the sum over scores s of (R(s) - R(before s)) * P(s).

    Going down the distinct scores, R and P are recall and precision of the rows of that score or a larger one, by
    sample weight; rows of one score come together. Classes without a positive row are left out; where there is none,
    the figure is not a number. All scores are kept until it is asked for, in checkpoints too.

    Of yes or no: scores (batch,) or (batch, 1), labels of the same shape or (batch,), above 1/2 where yes. Of several
    questions at once: scores and labels (batch, classes). Of one class among several: logits (batch, classes) and
    integer indices (batch,); a class's score is its softmax, and an index that names no class is left out.
    """

    def figure(self, tied: Tied) -> float | None:
        positive, everything = tied.positive[::-1], (tied.positive + tied.negative)[::-1]
        total = float(positive.sum())
        return float(np.sum(positive * np.cumsum(positive) / np.cumsum(everything))) / total if total else None


def _classes(state: Mapping[str, Any]) -> Iterator[Tied]:
    """The rows of each class by score, those of weight 0 left out."""
    counted = np.asarray(state["weight"]) != 0
    scores, labels, weights = (np.asarray(state[part])[counted] for part in OrderMetric.parts)
    scores, weights = scores.astype(np.float64), weights.astype(np.float64)
    if labels.ndim < scores.ndim and scores.shape[1] != 1:
        named = (labels >= 0) & (labels < scores.shape[1])
        scores, labels, weights = _log_softmax(scores[named]), labels[named], weights[named]
        truth = labels[:, None] == np.arange(scores.shape[1])
    else:
        truth = labels.reshape(scores.shape) > 0.5
    for score, true in zip(_columns(scores), _columns(truth), strict=True):
        yield _tied(score, np.where(true, weights, 0), np.where(true, 0, weights))


def _tied(score: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> Tied:
    if np.isnan(score).any():
        positive, negative = np.full_like(positive, np.nan), np.full_like(negative, np.nan)
    _, places = np.unique(score, return_inverse=True)
    return Tied(np.bincount(places, positive), np.bincount(places, negative))


def _columns(values: np.ndarray) -> np.ndarray:
    """(rows,) or (rows, classes) -> (classes, rows)."""
    return values.reshape(len(values), -1).T if len(values) else values.reshape(0, 0)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    """Of rows, without losing the order of probabilities near 1: the largest logit is no part of what is rounded."""
    top = np.arange(logits.shape[1]) == logits.argmax(axis=1)[:, None]
    shifted = logits - logits.max(axis=1, keepdims=True)
    others = np.where(top, 0, np.exp(shifted)).sum(axis=1, keepdims=True)
    return np.asarray(shifted - np.log1p(others))
