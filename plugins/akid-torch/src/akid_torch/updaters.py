"""Updaters: how an optimizer moves live tensors. What is common to all optimizers, and the core's formula itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from akid_core.optimizers.base import AVERAGE, Optimizer
from akid_core.optimizers.regularizer import limited, pulled
from akid_torch.ops import TorchOps


class Updater:
    """Changes parameters and slots in place, by the core's own formula, parameter by parameter.

    `slots`: for each name of the optimizer's, one tensor per parameter. A subclass has a kernel for the formula.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        ops: TorchOps,
        paths: Sequence[str],
        params: Sequence[Tensor],
        axes: Sequence[str] | None = None,
        slots: dict[str, list[Tensor]] | None = None,
    ) -> None:
        """`axes`: a letter for each axis of each parameter, as they lie. `slots`: those of an earlier updater."""
        self.optimizer, self.ops = optimizer, ops
        # Aliases without a gradient: the kernels write to the same storage, and autograd does not watch.
        self.params = [param.detach() for param in params]
        self.slots = slots or {
            name: [torch.zeros_like(param) for param in self.params] for name in optimizer.every_slot
        }
        self._strides = [param.stride() for param in self.params]
        self._decayed = [param for path, param in zip(paths, self.params, strict=True) if optimizer.decays(path)]
        pulls = [(index, *optimizer.pulls(path)) for index, path in enumerate(paths)]
        self._pulled = [(index, l1, l2) for index, l1, l2 in pulls if l1 or l2]
        limits = zip(self.params, axes or [""] * len(paths), map(optimizer.limit, paths), strict=True)
        self._limited = [(param, lying, limit) for param, lying, limit in limits if limit is not None]

    def step(self, gradients: Sequence[Tensor | None], learning_rate: Any, count: int) -> None:
        """Update number `count` (the first is 1), in the order that `Optimizer` says. None: a gradient of zero."""
        if not self.params:  # torch's kernels refuse empty lists
            return
        moving, optimizer = self._laid_out(gradients), self.optimizer
        if optimizer.clip_value is not None:
            moving = list(torch._foreach_clamp_max(moving, optimizer.clip_value))
            torch._foreach_clamp_min_(moving, -optimizer.clip_value)
        if optimizer.clip_norm is not None:
            moving = _clipped(moving, self.norms(moving), optimizer.clip_norm)
        for index, l1, l2 in self._pulled:
            moving[index] = pulled(self.ops, self.params[index], moving[index], l1, l2)
        if self._decayed:
            torch._foreach_mul_(self._decayed, self.shrink(learning_rate))
        self.update(moving, learning_rate, count)
        for param, lying, limit in self._limited:
            param.copy_(limited(self.ops, param, lying, limit))
        if optimizer.average is not None:
            averages = self.slots[AVERAGE]
            torch._foreach_mul_(averages, optimizer.average)
            torch._foreach_add_(averages, self.params, alpha=1.0 - optimizer.average)

    def norms(self, gradients: list[Tensor]) -> Sequence[Tensor]:
        """The Euclidean norm of each gradient."""
        return torch._foreach_norm(gradients)

    def shrink(self, learning_rate: Any) -> Any:
        """What decay multiplies by."""
        return 1.0 - learning_rate * self.optimizer.weight_decay

    def coefficients(self, learning_rate: Any, count: int) -> tuple[Any, ...]:
        """The numbers that the formula needs."""
        return self.optimizer.coefficients(learning_rate, count)

    def update(self, gradients: list[Tensor], learning_rate: Any, count: int) -> None:
        """The optimizer's formula, in place. Gradients lie in memory as their parameters do."""
        coefficients = self.coefficients(learning_rate, count)
        names = self.optimizer.slots
        for index, (param, gradient) in enumerate(zip(self.params, gradients, strict=True)):
            slots = tuple(self.slots[name][index] for name in names)
            value, changed = self.optimizer.update(self.ops, param, gradient, slots, coefficients)
            param.copy_(value)
            for slot, new in zip(slots, changed, strict=True):
                slot.copy_(new)

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


def _clipped(gradients: list[Tensor], norms: Sequence[Tensor], limit: float) -> list[Tensor]:
    """New tensors (two gradients may be one tensor), whose norm together is at most `limit`; torch's own adds 1e-6."""
    norm = torch.linalg.vector_norm(torch.stack(list(norms)))
    return list(torch._foreach_mul(gradients, limit / norm.clamp(min=limit)))
