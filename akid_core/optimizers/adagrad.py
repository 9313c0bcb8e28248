"""Adagrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.optimizers.base import Optimizer
from akid_core.schedules.base import Schedule
from akid_core.specs.checks import check_epsilon


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """Step by the gradient over the root of the sum of all its squares so far, which starts at 0.

    square += gradient^2; value -= learning_rate * gradient / (sqrt(square) + epsilon). Source: Duchi, Hazan and Singer,
    "Adaptive subgradient methods", 2011, in the form that PyTorch uses.
    """

    learning_rate: float | Schedule = 1e-2
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_epsilon(self.epsilon, 1e-10)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("square",)

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        (learning_rate,) = coefficients
        square = slots[0] + gradient * gradient
        return value - gradient / (ops.sqrt(square) + self.epsilon) * learning_rate, (square,)
