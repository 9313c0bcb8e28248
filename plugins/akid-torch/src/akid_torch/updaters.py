"""Updaters: how an optimizer moves live tensors, by torch's fused kernels where they compute the core's formula."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from akid_core.optimizers.adam import Adam, AdamW
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.sgd import SGD
from akid_torch.ops import TorchOps


class Updater(ABC):
    """Changes parameters and slots in place. `slots`: for each name of the optimizer's, one tensor per parameter."""

    def __init__(self, optimizer: Optimizer, ops: TorchOps, paths: Sequence[str], params: Sequence[Tensor]) -> None:
        self.optimizer, self.ops = optimizer, ops
        # Aliases without a gradient: the kernels write to the same storage, and autograd does not watch.
        self.params = [param.detach() for param in params]
        self.slots = {name: [torch.zeros_like(param) for param in self.params] for name in optimizer.slots}
        self._strides = [param.stride() for param in self.params]
        self._decayed = [param for path, param in zip(paths, self.params, strict=True) if optimizer.decays(path)]

    def step(self, gradients: Sequence[Tensor | None], learning_rate: float, count: int) -> None:
        """Update number `count` (the first is 1): clip, decay, then the formula. None stands for a gradient of zero."""
        if not self.params:  # torch's kernels refuse empty lists
            return
        laid_out = self._laid_out(gradients)
        if self.optimizer.clip_norm is not None:
            laid_out = _clipped(laid_out, self.optimizer.clip_norm)
        if self._decayed:
            torch._foreach_mul_(self._decayed, 1.0 - learning_rate * self.optimizer.weight_decay)
        self.update(laid_out, learning_rate, count)

    @abstractmethod
    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        """The optimizer's formula, in place. Gradients lie in memory as their parameters do."""

    def _laid_out(self, gradients: Sequence[Tensor | None]) -> list[Tensor]:
        """The gradients in the strides of their parameters, since fused kernels walk through memory without a look."""
        laid_out = []
        for gradient, strides, param in zip(gradients, self._strides, self.params, strict=True):
            if gradient is None:
                gradient = torch.zeros_like(param)
            elif gradient.stride() != strides:
                gradient = torch.empty_like(param).copy_(gradient)
            laid_out.append(gradient)
        return laid_out


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

    def __init__(self, optimizer: Optimizer, ops: TorchOps, paths: Sequence[str], params: Sequence[Tensor]) -> None:
        super().__init__(optimizer, ops, paths, params)
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


class PortableUpdater(Updater):
    """The core's own formula, parameter by parameter, for every optimizer that has no kernel here."""

    def update(self, gradients: list[Tensor], learning_rate: float, count: int) -> None:
        coefficients = self.optimizer.coefficients(learning_rate, count)
        names = tuple(self.slots)
        for index, (param, gradient) in enumerate(zip(self.params, gradients, strict=True)):
            slots = tuple(self.slots[name][index] for name in names)
            value, changed = self.optimizer.update(self.ops, param, gradient, slots, coefficients)
            param.copy_(value)
            for slot, new in zip(slots, changed, strict=True):
                slot.copy_(new)


FUSED: dict[type[Optimizer], type[Updater]] = {SGD: FusedSGD, Adam: FusedAdam, AdamW: FusedAdam}
"""Kernels by the very class of the optimizer: a subclass may have another formula."""


def _clipped(gradients: list[Tensor], limit: float) -> list[Tensor]:
    """New tensors (two gradients may be one tensor), whose norm together is at most `limit`; torch's own adds 1e-6."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    return list(torch._foreach_mul(gradients, limit / norm.clamp(min=limit)))


def updater(
    optimizer: Optimizer, ops: TorchOps, paths: Sequence[str], params: Sequence[Tensor], fused: bool
) -> Updater:
    """The updater for an optimizer, fused if the plan says so and there is a kernel."""
    kind = FUSED.get(type(optimizer), PortableUpdater) if fused else PortableUpdater
    return kind(optimizer, ops, paths, params)
