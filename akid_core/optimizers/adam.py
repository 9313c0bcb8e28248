"""Adam, and Adam with weight decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.checks import check_share
from akid_core.specs.checks import check_epsilon


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Step by the running mean of the gradient over the root of the running mean of its square, both bias-corrected.

    mean = beta1 * mean + (1 - beta1) * gradient; square = beta2 * square + (1 - beta2) * gradient^2;
    value -= learning_rate * mean / (1 - beta1^t) / (sqrt(square / (1 - beta2^t)) + epsilon), t counting from 1.
    Source: Kingma and Ba, "Adam", 2015, algorithm 1 (epsilon outside the root and after the bias correction).
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("beta1", self.beta1)
        check_share("beta2", self.beta2)
        check_epsilon(self.epsilon, 1e-8)

    @property
    def slots(self) -> tuple[str, ...]:
        return "mean", "square"

    def coefficients(self, learning_rate: float, count: int) -> tuple[float, ...]:
        """The learning rate over the first bias correction, and the root of the second one."""
        return learning_rate / (1.0 - self.beta1**count), math.sqrt(1.0 - self.beta2**count)

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        rate, correction = coefficients
        mean = slots[0] * self.beta1 + gradient * (1.0 - self.beta1)
        square = slots[1] * self.beta2 + gradient * gradient * (1.0 - self.beta2)
        return value - mean / (ops.sqrt(square) / correction + self.epsilon) * rate, (mean, square)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam that decays weights by default. Source: Loshchilov and Hutter, "Decoupled weight decay", 2019."""

    weight_decay: float = 0.01
