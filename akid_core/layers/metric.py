"""Metrics: figures over many batches, see `akid_core.specs.layer.Metric`."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_labels
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Metric
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Accuracy(Metric):
    """The share of rows, by sample weight, whose largest logit (of equal ones the first) is that of their label.

    logits: (batch, classes). labels: (batch,) integer indices, or (batch, classes), where the largest is the label.
    """

    def check(self, *inputs: TensorSpec) -> None:
        check_labels(inputs)

    def forward(self, context: Context, logits: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
        ops = context.ops
        indexed = not context.call.in_specs[1].floating
        label = ops.astype(labels, "int64") if indexed else ops.argmax(labels, axis=1)
        right = ops.equal(ops.argmax(logits, axis=1), label)
        weights = ops.astype(weights, "float32")
        return ops.sum(ops.where(right, weights, 0.0)), ops.sum(weights)
