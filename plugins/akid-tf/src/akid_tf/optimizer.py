"""LiveOptimizer: an optimizer's formula on variables, with its state in variables of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from akid_core.backends.contract import Arrays
from akid_core.errors import UnknownNameError, suggest
from akid_core.optimizers import SGD
from akid_core.optimizers.base import Optimizer
from akid_tf.module import OPS
from akid_tf.parameter import Parameter
from akid_tf.runtime import tf

Move = Callable[[tf.Variable, tuple[tf.Variable, ...], tf.Tensor, Sequence[tf.Tensor]], None]
"""Moves a variable and its slots, given the gradient and the coefficients of the formula."""


class LiveOptimizer(tf.Module):
    """Clips, decays and moves parameters in place; each slot lies like its parameter.

    With `fused`, SGD moves by TensorFlow's kernels, which compute the core's formula in one operation. (Those of Adam
    form 1 - beta in float32, which is another number.)
    """

    def __init__(self, optimizer: Optimizer, parameters: Sequence[Parameter], *, fused: bool) -> None:
        super().__init__(name="optimizer")
        self._optimizer, self._parameters = optimizer, tuple(parameters)
        self._move = _sgd(optimizer) if fused and type(optimizer) is SGD else _formula(optimizer)
        self.slots = {
            parameter.path: tuple(
                tf.Variable(tf.zeros_like(parameter.variable), trainable=False, name=f"{slot}:{parameter.path}")
                for slot in optimizer.slots
            )
            for parameter in parameters
        }

    @property
    def width(self) -> int:
        """How many numbers a step needs."""
        return len(self.numbers(0.0, 0))

    def numbers(self, learning_rate: float, step: int) -> tuple[float, ...]:
        """What step number `step` (the first is 0) needs of the host: the formula's coefficients, then the decay."""
        decay = 1.0 - learning_rate * self._optimizer.weight_decay
        return (*self._optimizer.coefficients(learning_rate, step + 1), decay)

    def apply(self, gradients: Sequence[tf.Tensor], numbers: tf.Tensor) -> None:
        """Move every parameter by one step. `numbers`: float64 (width,), as above."""
        if gradients and self._optimizer.clip_norm is not None:
            gradients = _clipped(gradients, self._optimizer.clip_norm)
        typed = {dtype: tf.unstack(tf.cast(numbers, dtype)) for dtype in {gradient.dtype for gradient in gradients}}
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            *coefficients, decay = typed[gradient.dtype]
            if self._optimizer.decays(parameter.path):
                parameter.variable.assign(parameter.variable * decay)
            self._move(parameter.variable, self.slots[parameter.path], gradient, coefficients)

    def read(self) -> Arrays:
        """The slots in canonical layout, by `"<slot>:<parameter path>"`."""
        return {name: parameter.canonical(slot) for name, (parameter, slot) in self._named().items()}

    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        """Set the slots; one that is not named becomes zero. Raises `UnknownNameError` and `DataError`."""
        named = self._named()
        for name in values:
            if name not in named:
                raise UnknownNameError(
                    f"{self._optimizer.component()} keeps nothing called {name!r}.{suggest(name, named)} "
                    f"It keeps: {', '.join(named) or 'nothing'}."
                )
        for name, (parameter, slot) in named.items():
            parameter.assign(slot, values.get(name, np.zeros(parameter.shape)), f"The slot {name!r}")

    def _named(self) -> dict[str, tuple[Parameter, tf.Variable]]:
        return {
            f"{name}:{parameter.path}": (parameter, slot)
            for parameter in self._parameters
            for name, slot in zip(self._optimizer.slots, self.slots[parameter.path], strict=True)
        }


def _formula(optimizer: Optimizer) -> Move:
    """The core's own formula, in portable operations."""

    def move(
        variable: tf.Variable, slots: tuple[tf.Variable, ...], gradient: tf.Tensor, coefficients: Sequence[tf.Tensor]
    ) -> None:
        old = tuple(tf.convert_to_tensor(slot) for slot in slots)
        value, new = optimizer.update(OPS, tf.convert_to_tensor(variable), gradient, old, tuple(coefficients))
        variable.assign(value)
        for slot, values in zip(slots, new, strict=True):
            slot.assign(values)

    return move


def _sgd(optimizer: SGD) -> Move:
    """The same formula as one operation."""

    def move(
        variable: tf.Variable, slots: tuple[tf.Variable, ...], gradient: tf.Tensor, coefficients: Sequence[tf.Tensor]
    ) -> None:
        (learning_rate,) = coefficients
        if not slots:
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=learning_rate, delta=gradient)
            return
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=slots[0].handle,
            lr=learning_rate,
            grad=gradient,
            momentum=tf.constant(optimizer.momentum, gradient.dtype),
            use_nesterov=optimizer.nesterov,
        )

    return move


def _clipped(gradients: Sequence[tf.Tensor], limit: float) -> list[tf.Tensor]:
    """Gradients, of which the Euclidean norm of all together (formed in float64) is at most `limit`."""
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(tf.cast(gradient, tf.float64))) for gradient in gradients]))
    factor = limit / tf.maximum(norm, limit)  # exactly 1 where the norm is small enough
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]
