"""RMSprop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.checks import check_share
from akid_core.specs.checks import check_epsilon


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """Step by the gradient over the root of the running mean of its square.

    square = alpha * square + (1 - alpha) * gradient^2; step = gradient / (sqrt(square) + epsilon). With `centered` the
    square of the running mean of the gradient is taken off under the root, which leaves the variance. With `momentum`,
    velocity = momentum * velocity + step, and the velocity is the step. value -= learning_rate * step. Source: Tieleman
    and Hinton, "Neural networks for machine learning", lecture 6e, 2012, in the form that PyTorch uses (epsilon outside
    the root); centered: Graves, "Generating sequences with recurrent neural networks", 2013, equations 38 to 45.
    """

    alpha: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("alpha", self.alpha)
        check_share("momentum", self.momentum)
        check_epsilon(self.epsilon, 1e-8)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("square", *(["mean"] if self.centered else []), *(["velocity"] if self.momentum else []))

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        (learning_rate,) = coefficients
        old = dict(zip(self.slots, slots, strict=True))
        new = {"square": old["square"] * self.alpha + gradient * gradient * (1.0 - self.alpha)}
        spread = new["square"]
        if self.centered:
            new["mean"] = old["mean"] * self.alpha + gradient * (1.0 - self.alpha)
            spread = ops.maximum(spread - new["mean"] * new["mean"], 0.0)  # rounding may take it below 0
        step = gradient / (ops.sqrt(spread) + self.epsilon)
        if self.momentum:
            step = new["velocity"] = old["velocity"] * self.momentum + step
        return value - step * learning_rate, tuple(new.values())
