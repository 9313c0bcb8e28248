"""Metrics of one class among several: how often it is right, how it is mistaken, how well it is foreseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from akid_core.layers.checks import known_size
from akid_core.layers.labels import check_classes, check_ignored
from akid_core.layers.losses.cross_entropy import SoftmaxCrossEntropy
from akid_core.layers.losses.rows import ones_like
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Metric
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class OfClasses(Metric):
    """A metric of logits, their labels, and a mask if there is one.

    Labels equal to `ignore_index` count for nothing; a row of a sequence counts for each of its labels.
    """

    ignore_index: int | None = None

    def check(self, logits: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> None:
        if check_classes(logits, labels, mask) == 1:
            raise ValueError(f"compares the scores of classes, and got one score, {logits}: use BinaryAccuracy")
        check_ignored(self.ignore_index, labels)

    def label(self, context: Context, labels: Array) -> Array:
        """The index of each position's class, int64: the label, or where the probabilities are largest."""
        spec = context.call.in_specs[1]
        return context.ops.argmax(labels, axis=spec.rank - 1) if spec.floating else context.ops.astype(labels, "int64")

    def counts(self, context: Context, label: Array, mask_and_weights: tuple[Array, ...]) -> Array:
        """How much each position counts, float32: by its row, the mask, and whether its label is ignored."""
        ops, (*mask, weights) = context.ops, mask_and_weights
        counts = ops.astype(weights, "float32")
        if context.call.in_specs[0].rank == 3:
            counts = ops.reshape(counts, (-1, 1)) * ones_like(ops, ops.astype(label, "float32"))
        for each in mask:
            counts = counts * ops.astype(each, "float32")
        if self.ignore_index is not None:
            counts = ops.where(ops.equal(label, self.ignore_index), 0.0, counts)
        return counts


@dataclass(frozen=True, kw_only=True)
class Accuracy(OfClasses):
    """The share of rows, by sample weight, whose largest logit (of equal ones the first) is that of their label.

    A label that names no class is never right; one that equals `ignore_index` does not count.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes), where the largest is the label.
    mask, which may be left out: (batch,), how much each label counts. For sequences (batch, time, classes),
    (batch, time) and (batch, time): the share of all labels.
    """

    def forward(self, context: Context, logits: Array, labels: Array, *mask_and_weights: Array) -> tuple[Array, Array]:
        ops, label = context.ops, self.label(context, labels)
        counts = self.counts(context, label, mask_and_weights)
        right = ops.equal(ops.argmax(logits, axis=context.call.in_specs[0].rank - 1), label)
        return ops.sum(ops.where(right, counts, 0.0)), ops.sum(counts)


@dataclass(frozen=True, kw_only=True)
class TopK(OfClasses):
    """The share of rows, by sample weight, whose label is among the `k` classes of the largest logits.

    Of equal logits the one of the smaller index comes first. A label that names no class is never right; one that
    equals `ignore_index` does not count.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes), where the largest is the label.
    mask, which may be left out: (batch,), how much each label counts. For sequences (batch, time, classes),
    (batch, time) and (batch, time): the share of all labels.
    """

    k: int = 5

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k is a number of classes of at least 1, got {self.k!r}")

    @classmethod
    def component(cls) -> str:
        return "top_k"

    def check(self, logits: TensorSpec, labels: TensorSpec, mask: TensorSpec | None = None) -> None:
        super().check(logits, labels, mask)
        if self.k > known_size(logits, -1):
            raise ValueError(f"looks at the first {self.k} of {logits.shape[-1]} classes: give a smaller k")

    def forward(self, context: Context, logits: Array, labels: Array, *mask_and_weights: Array) -> tuple[Array, Array]:
        ops, label, last = context.ops, self.label(context, labels), context.call.in_specs[0].rank - 1
        counts, classes = self.counts(context, label, mask_and_weights), known_size(context.call.in_specs[0], -1)
        named = ops.one_hot(label, classes, "int32") > 0
        score = ops.sum(ops.where(named, logits, 0.0), axis=last, keepdims=True)
        # Behind the label are smaller logits, and equal ones from its own on; a logit that is no number is not.
        from_label = ops.cumulative_sum(ops.astype(named, "int32"), axis=last) > 0
        behind = ops.where(ops.equal(logits, score), from_label, logits < score)
        ahead = classes - ops.sum(ops.astype(behind, "int32"), axis=last)
        right = ops.logical_and(ahead < self.k, ops.logical_and(label >= 0, label < classes))
        return ops.sum(ops.where(right, counts, 0.0)), ops.sum(counts)


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix(OfClasses):
    """How often, by sample weight, a class (the row) is taken for another (the column): (classes, classes).

    The prediction is the largest logit, of equal ones the first. A label that names no class is left out.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes), where the largest is the label.
    mask, which may be left out: (batch,), how much each label counts. For sequences (batch, time, classes),
    (batch, time) and (batch, time).
    """

    parts: ClassVar[tuple[str, ...]] = ("counts",)
    scalar: ClassVar[bool] = False

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        self.check(*inputs)
        classes = known_size(inputs[0], -1)
        return TensorSpec((classes, classes), "float32")

    def forward(self, context: Context, logits: Array, labels: Array, *mask_and_weights: Array) -> tuple[Array]:
        ops, label, spec = context.ops, self.label(context, labels), context.call.in_specs[0]
        counts, classes = self.counts(context, label, mask_and_weights), known_size(spec, -1)
        found = ops.reshape(ops.argmax(logits, axis=spec.rank - 1), (-1,))
        true = ops.one_hot(ops.reshape(label, (-1,)), classes, "float32") * ops.reshape(counts, (-1, 1))
        return (ops.matmul(ops.permute_dims(true, (1, 0)), ops.one_hot(found, classes, "float32")),)

    def result(self, state: Mapping[str, Any]) -> np.ndarray:
        """[true class, predicted class] float64."""
        return np.asarray(state["counts"], np.float64)


@dataclass(frozen=True, kw_only=True)
class Perplexity(OfClasses):
    """exp of the mean cross-entropy, by sample weight: among how many equally likely classes the label is hidden.

    A label that names no class makes the figure not a number; one that equals `ignore_index` does not count.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes) probabilities. mask, which may be
    left out: (batch,), how much each label counts. For sequences (batch, time, classes), (batch, time) and
    (batch, time): over all labels.
    """

    def forward(self, context: Context, logits: Array, labels: Array, *mask_and_weights: Array) -> tuple[Array, Array]:
        ops, (*mask, weights) = context.ops, mask_and_weights
        value, count = SoftmaxCrossEntropy(ignore_index=self.ignore_index).forward(context, logits, labels, *mask)
        count = count * ops.astype(weights, context.wide(context.call.in_specs[0].dtype))
        return ops.sum(ops.where(ops.equal(count, 0.0), 0.0, value) * count), ops.sum(count)

    def result(self, state: Mapping[str, Any]) -> float:
        """The figure; not a number where nothing was counted, infinite where it is too large for float64."""
        with np.errstate(over="ignore"):
            return float(np.exp(super().result(state)))
