"""LiveOptimizer: what an optimizer does to variables in one update, with its state in variables of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from akid_core.optimizers.base import AVERAGE, Optimizer
from akid_core.optimizers.regularizer import limited, pulled
from akid_tf.module import OPS
from akid_tf.moves import move_of
from akid_tf.parameter import Parameter
from akid_tf.runtime import tf


class Numbers(NamedTuple):
    """What an update needs of the host, in one type; each a scalar, or (k,) of k steps.

    `coefficients`: of the formula. `decay`: what decayed weights are multiplied by. `rate`: the learning rate. The last
    two are there where they are needed: what a loop takes along costs time.
    """

    coefficients: list[tf.Tensor]
    decay: list[tf.Tensor]
    rate: list[tf.Tensor]


class LiveOptimizer(tf.Module):
    """Moves parameters in place, in the order that `Optimizer` states; each slot lies like its parameter.

    `fused`: by TensorFlow's own kernels where they compute the same. `rated`: the learning rate is among the numbers.
    """

    def __init__(
        self, optimizer: Optimizer, parameters: Sequence[Parameter], *, fused: bool, rated: bool = False
    ) -> None:
        super().__init__(name="optimizer")
        self._rated = rated
        self._optimizer, self._parameters = optimizer, tuple(parameters)
        self._move = move_of(optimizer, fused=fused)
        self.slots = {
            parameter.path: {
                slot: tf.Variable(tf.zeros_like(parameter.variable), trainable=False, name=f"{slot}:{parameter.path}")
                for slot in optimizer.every_slot
            }
            for parameter in parameters
        }

    @property
    def width(self) -> int:
        """How many numbers an update needs."""
        return len(self.numbers(0.0, 1))

    def numbers(self, learning_rate: float, count: int) -> tuple[float, ...]:
        """What update number `count` (the first is 1) needs of the host: the formula's coefficients and the rate."""
        return (*self._optimizer.coefficients(learning_rate, count), learning_rate)

    def typed(self, numbers: tf.Tensor) -> dict[str, Numbers]:
        """The numbers (..., width) float64, in each type in which a parameter is."""
        *coefficients, rate = tf.unstack(numbers, axis=-1)
        share = self._optimizer.weight_decay
        found = Numbers(coefficients, [1.0 - rate * share] if share else [], [rate] if self._rated else [])
        types = sorted({parameter.dtype for parameter in self._parameters} or {"float32"})
        return {dtype: tf.nest.map_structure(partial(tf.cast, dtype=dtype), found) for dtype in types}

    def apply(self, gradients: Sequence[tf.Tensor], typed: Mapping[str, Numbers]) -> None:
        """Move every parameter by one step. `typed`: scalars, as above."""
        bound, norm = self._optimizer.clip_value, self._optimizer.clip_norm
        if bound is not None:
            gradients = [tf.maximum(tf.minimum(gradient, bound), -bound) for gradient in gradients]
        if gradients and norm is not None:
            gradients = _clipped(gradients, norm)
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            self._update(parameter, gradient, typed[parameter.dtype])

    def _update(self, parameter: Parameter, gradient: tf.Tensor, numbers: Numbers) -> None:
        optimizer, path, variable = self._optimizer, parameter.path, parameter.variable
        slots, pulls = self.slots[path], optimizer.pulls(path)
        if any(pulls):
            gradient = pulled(OPS, tf.convert_to_tensor(variable), gradient, *pulls)
        if optimizer.decays(path):
            variable.assign(variable * numbers.decay[0])
        self._move(variable, [slots[name] for name in optimizer.slots], gradient, numbers.coefficients)
        if (limit := optimizer.limit(path)) is not None:
            variable.assign(limited(OPS, tf.convert_to_tensor(variable), parameter.lying, limit))
        if (share := optimizer.average) is not None:
            slots[AVERAGE].assign(slots[AVERAGE] * share + variable * (1.0 - share))

    @property
    def named(self) -> dict[str, tuple[Parameter, tf.Variable]]:
        """The slots by `"<slot>:<parameter path>"`, each with its parameter."""
        return {
            f"{name}:{parameter.path}": (parameter, slot)
            for parameter in self._parameters
            for name, slot in self.slots[parameter.path].items()
        }


def _clipped(gradients: Sequence[tf.Tensor], limit: float) -> list[tf.Tensor]:
    """Gradients, of which the Euclidean norm of all together (formed in float64) is at most `limit`."""
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(tf.cast(gradient, tf.float64))) for gradient in gradients]))
    factor = limit / tf.maximum(norm, limit)  # exactly 1 where the norm is small enough
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]
