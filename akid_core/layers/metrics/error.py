"""Metrics of real numbers: how far predictions are from targets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from akid_core.layers.losses.regression import MeanAbsoluteError, MeanSquaredError, Regression
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Metric
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Error(Metric):
    """The mean over rows, by sample weight, of what a loss says of them, as a figure beside another loss.

    predictions, targets: (batch, ...) of one shape.
    """

    loss: ClassVar[Regression]

    def check(self, predictions: TensorSpec, targets: TensorSpec) -> None:
        self.loss.check(predictions, targets)

    def forward(self, context: Context, predictions: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
        ops = context.ops
        value, count = self.loss.forward(context, predictions, targets)
        count = count * ops.astype(weights, context.wide(context.call.in_specs[0].dtype))
        return ops.sum(ops.where(ops.equal(count, 0.0), 0.0, value) * count), ops.sum(count)


@dataclass(frozen=True, kw_only=True)
class SquaredError(Error):
    """The mean of squared differences, by sample weight; its square root with `root`.

    predictions, targets: (batch, ...) of one shape.
    """

    loss: ClassVar[Regression] = MeanSquaredError()
    root: bool = False

    def result(self, state: Mapping[str, Any]) -> float:
        """The figure; not a number where nothing was counted."""
        mean = float(super().result(state))
        return math.sqrt(mean) if self.root else mean


@dataclass(frozen=True, kw_only=True)
class AbsoluteError(Error):
    """The mean of absolute differences, by sample weight.

    predictions, targets: (batch, ...) of one shape.
    """

    loss: ClassVar[Regression] = MeanAbsoluteError()
