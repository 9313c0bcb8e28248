"""Metrics of yes or no."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.labels import beside, check_binary
from akid_core.layers.losses.rows import row_mean
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Metric
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class BinaryAccuracy(Metric):
    """The share of elements, by sample weight, that are right: above `threshold` where the label is yes, else not.

    A logit of 0 is the probability 1/2; where scores are probabilities, `threshold=0.5` says the same. A label above
    1/2 is yes, so labels may be 0 and 1, or -1 and 1.

    scores: (batch, ...). labels: the same shape, or (batch,) for scores (batch, 1), numbers of any type.
    """

    threshold: float = 0.0

    def check(self, scores: TensorSpec, labels: TensorSpec) -> None:
        check_binary(scores, labels)

    def forward(self, context: Context, scores: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
        ops, (score_spec, label_spec) = context.ops, context.call.in_specs
        yes = beside(ops, score_spec, label_spec, labels, "float32") > 0.5
        said = ops.astype(scores > self.threshold, "float32")
        right = ops.where(yes, said, 1.0 - said)
        weights = ops.astype(weights, "float32")
        return ops.sum(row_mean(ops, right, score_spec.rank) * weights), ops.sum(weights)
