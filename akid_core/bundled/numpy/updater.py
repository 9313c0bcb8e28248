"""What an optimizer does to parameters in one update, in the order that `Optimizer` states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from akid_core.backends.contract import Arrays
from akid_core.bundled.numpy.network import OPS, NumpyNetwork
from akid_core.bundled.numpy.tape import Tensor
from akid_core.optimizers.base import AVERAGE, Optimizer
from akid_core.optimizers.regularizer import limited, pulled


class Updater:
    """Moves the parameters at `paths` of a network in place; its slots start at zero."""

    def __init__(self, network: NumpyNetwork, optimizer: Optimizer, paths: Sequence[str]) -> None:
        self._network, self._optimizer = network, optimizer
        self._slots = {
            path: {name: np.zeros_like(network.native(path)) for name in optimizer.every_slot} for path in paths
        }

    def step(self, gradients: Arrays, learning_rate: float, count: int) -> None:
        """Update number `count`, the first being 1."""
        optimizer, axes = self._optimizer, self._network.graph.params
        if (bound := optimizer.clip_value) is not None:
            gradients = {path: np.clip(gradient, -bound, bound) for path, gradient in gradients.items()}
        scale = _clip_scale(gradients, optimizer.clip_norm)
        coefficients = optimizer.coefficients(learning_rate, count)
        for path, gradient in gradients.items():
            array, slots = self._network.native(path), self._slots[path]
            pull = pulled(OPS, Tensor(array), Tensor(gradient * scale), *optimizer.pulls(path))
            if optimizer.decays(path):
                array *= 1.0 - learning_rate * optimizer.weight_decay
            old = tuple(Tensor(slots[name]) for name in optimizer.slots)
            value, new = optimizer.update(OPS, Tensor(array), pull, old, coefficients)
            if (limit := optimizer.limit(path)) is not None:
                value = limited(OPS, value, axes[path].axes, limit)
            array[...] = value.data
            for name, slot in zip(optimizer.slots, new, strict=True):
                slots[name][...] = slot.data
            if (share := optimizer.average) is not None:
                slots[AVERAGE][...] = slots[AVERAGE] * share + array * (1.0 - share)

    @property
    def slots(self) -> Arrays:
        """The slots themselves by `"<slot>:<parameter path>"`."""
        return {f"{name}:{path}": slot for path, slots in self._slots.items() for name, slot in slots.items()}


def _clip_scale(gradients: Arrays, limit: float | None) -> float:
    """What the whole gradient is multiplied by so that its Euclidean norm is at most `limit`."""
    if limit is None:
        return 1.0
    norm = float(np.sqrt(sum(np.sum(np.square(gradient, dtype=np.float64)) for gradient in gradients.values())))
    return limit / norm if norm > limit else 1.0
