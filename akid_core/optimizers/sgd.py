"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.checks import check_share


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """value -= learning_rate * step, where step is the gradient or, with momentum, the velocity.

    velocity = momentum * velocity + gradient; with `nesterov` the step is gradient + momentum * velocity. The learning
    rate stands outside the velocity, so that a change acts at once. Source: Sutskever et al., "On the importance of
    initialization and momentum in deep learning", 2013, in the form that PyTorch uses.
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share("momentum", self.momentum)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0, such as 0.9")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        (learning_rate,) = coefficients
        if not self.momentum:
            return value - gradient * learning_rate, ()
        velocity = slots[0] * self.momentum + gradient
        step = gradient + velocity * self.momentum if self.nesterov else velocity
        return value - step * learning_rate, (velocity,)
