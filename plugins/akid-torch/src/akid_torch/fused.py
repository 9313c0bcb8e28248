"""Optimizers by kernels for all parameters at once, where torch computes the core's formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from akid_core.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Optimizer, RMSprop
from akid_torch.ops import TorchOps
from akid_torch.updaters import Updater


class FusedSGD(Updater):
    """One kernel for all parameters."""

    optimizer: SGD

    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        torch._fused_sgd_(
            self.params,
            gradients,
            self.slots.get("velocity", []),
            weight_decay=0.0,
            momentum=self.optimizer.momentum,
            lr=learning_rate,
            dampening=0.0,
            nesterov=self.optimizer.nesterov,
            maximize=False,
            is_first_step=False,  # the velocity starts at zero, so the first step is like any other
        )


class FusedAdam(Updater):
    """One kernel for all parameters; decay came before, so AdamW needs no other."""

    optimizer: Adam

    def __init__(self, optimizer: Optimizer, ops: TorchOps, *params: Any) -> None:
        super().__init__(optimizer, ops, *params)
        self._count = torch.zeros((), dtype=torch.float32, device=ops.device)
        self._counts = [self._count] * len(self.params)

    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        self._count.fill_(count)
        torch._fused_adam_(
            self.params,
            gradients,
            self.slots["mean"],
            self.slots["square"],
            [],
            self._counts,
            lr=learning_rate,
            beta1=self.optimizer.beta1,
            beta2=self.optimizer.beta2,
            weight_decay=0.0,
            eps=self.optimizer.epsilon,
            amsgrad=False,
            maximize=False,
        )


class ForeachAdagrad(Updater):
    """Each operation of the formula for all parameters at once."""

    optimizer: Adagrad

    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        squares = self.slots["square"]
        torch._foreach_addcmul_(squares, gradients, gradients)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, self.optimizer.epsilon)
        torch._foreach_addcdiv_(self.params, gradients, roots, -learning_rate)


class ForeachRMSprop(Updater):
    """Each operation of the formula for all parameters at once."""

    optimizer: RMSprop

    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        squares, alpha = self.slots["square"], self.optimizer.alpha
        torch._foreach_mul_(squares, alpha)
        torch._foreach_addcmul_(squares, gradients, gradients, 1.0 - alpha)
        spreads: list[Tensor] | tuple[Tensor, ...] = squares
        if self.optimizer.centered:
            means = self.slots["mean"]
            torch._foreach_mul_(means, alpha)
            torch._foreach_add_(means, gradients, alpha=1.0 - alpha)
            spreads = torch._foreach_addcmul(squares, means, means, -1.0)
            torch._foreach_clamp_min_(spreads, 0.0)
        roots = torch._foreach_sqrt(spreads)
        torch._foreach_add_(roots, self.optimizer.epsilon)
        if not self.optimizer.momentum:
            torch._foreach_addcdiv_(self.params, gradients, roots, -learning_rate)
            return
        velocities = self.slots["velocity"]
        torch._foreach_mul_(velocities, self.optimizer.momentum)
        torch._foreach_addcdiv_(velocities, gradients, roots)
        torch._foreach_add_(self.params, velocities, alpha=-learning_rate)


class ForeachLion(Updater):
    """Each operation of the formula for all parameters at once."""

    optimizer: Lion

    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        means, (beta1, beta2) = self.slots["mean"], (self.optimizer.beta1, self.optimizer.beta2)
        directions = torch._foreach_mul(means, beta1)
        torch._foreach_add_(directions, gradients, alpha=1.0 - beta1)
        torch._foreach_sign_(directions)
        torch._foreach_add_(self.params, directions, alpha=-learning_rate)
        torch._foreach_mul_(means, beta2)
        torch._foreach_add_(means, gradients, alpha=1.0 - beta2)


KERNELS: dict[type[Optimizer], type[Updater]] = {
    SGD: FusedSGD,
    Adam: FusedAdam,
    AdamW: FusedAdam,
    Adagrad: ForeachAdagrad,
    RMSprop: ForeachRMSprop,
    Lion: ForeachLion,
}
"""Kernels by the very class of the optimizer: a subclass may have another formula."""


def updater(
    optimizer: Optimizer,
    ops: TorchOps,
    paths: Sequence[str],
    params: Sequence[Tensor],
    axes: Sequence[str] | None = None,
    *,
    fused: bool,
) -> Updater:
    """The updater for an optimizer, by a kernel if the plan says so and there is one."""
    kind = KERNELS.get(type(optimizer), Updater) if fused else Updater
    return kind(optimizer, ops, paths, params, axes)
