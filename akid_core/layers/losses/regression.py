"""Losses of real numbers: how far predictions are from targets."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_floating
from akid_core.layers.losses.rows import ones_like, row_mean
from akid_core.ops import Ops
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Regression(Loss):
    """A function of the difference of predictions and targets, averaged over all axes of a row.

    predictions, targets: (batch, ...) of one shape.
    """

    def check(self, predictions: TensorSpec, targets: TensorSpec) -> None:
        if check_floating(predictions).shape != check_floating(targets).shape:
            raise ValueError(f"takes predictions and targets of one shape, got {predictions} and {targets}")

    def forward(self, context: Context, predictions: Array, targets: Array) -> tuple[Array, Array]:
        ops, spec = context.ops, context.call.in_specs[0]
        wide = context.wide(spec.dtype)
        difference = ops.astype(predictions, wide) - ops.astype(targets, wide)
        value = row_mean(ops, self.measure(ops, difference), spec.rank)
        return value, ones_like(ops, value)

    def measure(self, ops: Ops, difference: Array) -> Array:
        """What each difference costs."""
        raise NotImplementedError(f"{type(self).__name__} does not measure")


@dataclass(frozen=True, kw_only=True)
class MeanSquaredError(Regression):
    """The square of the difference, averaged over all axes of a row.

    predictions, targets: (batch, ...) of one shape.
    """

    def measure(self, ops: Ops, difference: Array) -> Array:
        return difference * difference


@dataclass(frozen=True, kw_only=True)
class MeanAbsoluteError(Regression):
    """The size of the difference, averaged over all axes of a row; its derivative at 0 is 0.

    predictions, targets: (batch, ...) of one shape.
    """

    def measure(self, ops: Ops, difference: Array) -> Array:
        return ops.abs(difference)


@dataclass(frozen=True, kw_only=True)
class Huber(Regression):
    """d^2 / 2 where the difference d is at most `delta`, else delta * (|d| - delta / 2), averaged over a row.

    Outliers pull with a force that is bounded by `delta`. Source: Huber, "Robust estimation of a location parameter",
    1964.

    predictions, targets: (batch, ...) of one shape.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(f"delta is where the square ends, above 0, got {self.delta!r}")

    def measure(self, ops: Ops, difference: Array) -> Array:
        size = ops.abs(difference)
        bounded = ops.minimum(size, self.delta)
        return bounded * (size - bounded * 0.5)  # both cases in one, so that no square of an outlier overflows
