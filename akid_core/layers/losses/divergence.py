"""The divergence of one distribution from another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from akid_core.layers.checks import check_floating
from akid_core.layers.losses.cross_entropy import log_softmax
from akid_core.layers.losses.rows import ones_like, row_mean
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class KLDivergence(Loss):
    """Kullback-Leibler divergence of a prediction q from a target p: sum over classes of p * (log p - log q).

    `scores` says what the prediction is given as: `logits`, whose softmax is q, or `log_probabilities`. Where p is 0,
    the term and its gradients are 0; where p is below 0, the row's value is not a number. Further axes are averaged.

    scores, probabilities: (batch, ..., classes) of one shape.
    """

    scores: Literal["logits", "log_probabilities"] = "logits"

    def __post_init__(self) -> None:
        if self.scores not in ("logits", "log_probabilities"):
            raise ValueError(f"scores are 'logits' or 'log_probabilities', got {self.scores!r}")

    @classmethod
    def component(cls) -> str:
        return "kl_divergence"

    def check(self, scores: TensorSpec, probabilities: TensorSpec) -> None:
        if check_floating(scores).shape != check_floating(probabilities).shape or scores.rank < 2:
            raise ValueError(
                f"takes {self.scores} and probabilities (batch, ..., classes) of one shape, got {scores} and "
                f"{probabilities}"
            )

    def forward(self, context: Context, scores: Array, probabilities: Array) -> tuple[Array, Array]:
        ops, spec = context.ops, context.call.in_specs[0]
        wide, last = context.wide(spec.dtype), spec.rank - 1
        scores, target = ops.astype(scores, wide), ops.astype(probabilities, wide)
        logs = log_softmax(ops, scores, last) if self.scores == "logits" else scores
        # Where p is 0, neither logarithm may be met, not even multiplied by 0: its gradient is infinite.
        counts = target > 0.0
        terms = target * (ops.log(ops.where(counts, target, 1.0)) - ops.where(counts, logs, 0.0))
        terms = ops.where(target >= 0.0, terms, math.nan)
        value = row_mean(ops, ops.sum(terms, axis=last), last)
        return value, ones_like(ops, value)
