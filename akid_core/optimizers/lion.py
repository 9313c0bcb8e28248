"""Lion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.checks import check_share
from akid_core.optimizers.sign import sign
from akid_core.schedules.base import Schedule


@dataclass(frozen=True, kw_only=True)
class Lion(Optimizer):
    """Step by the sign of a mean of the gradient and its running mean: every number moves by the learning rate, or not.

    value -= learning_rate * sign(beta1 * mean + (1 - beta1) * gradient); then mean = beta2 * mean + (1 - beta2) *
    gradient. Its learning rate is 3 to 10 times smaller than Adam's, its weight decay as much larger. Source: Chen et
    al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2 (decay decoupled, as for every optimizer).
    """

    learning_rate: float | Schedule = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("beta1", self.beta1)
        check_share("beta2", self.beta2)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean",)

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        (learning_rate,) = coefficients
        direction = sign(ops, slots[0] * self.beta1 + gradient * (1.0 - self.beta1))
        return value - direction * learning_rate, (slots[0] * self.beta2 + gradient * (1.0 - self.beta2),)
