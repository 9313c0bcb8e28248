"""Moves: an optimizer's formula, on one variable and its slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from akid_core.optimizers import SGD
from akid_core.optimizers.base import Optimizer
from akid_tf.module import OPS
from akid_tf.runtime import tf

Move = Callable[[tf.Variable, Sequence[tf.Variable], tf.Tensor, Sequence[tf.Tensor]], None]
"""Moves a variable and its slots, given the gradient and the coefficients of the formula."""


def move_of(optimizer: Optimizer, *, fused: bool) -> Move:
    """The formula in portable operations; with `fused`, SGD by TensorFlow's kernels, which compute it in one operation.

    (Those of Adam form 1 - beta in float32, which is another number.)
    """
    return _sgd(optimizer) if fused and type(optimizer) is SGD else _formula(optimizer)


def _formula(optimizer: Optimizer) -> Move:
    def move(
        variable: tf.Variable, slots: Sequence[tf.Variable], gradient: tf.Tensor, coefficients: Sequence[tf.Tensor]
    ) -> None:
        old = tuple(tf.convert_to_tensor(slot) for slot in slots)
        value, new = optimizer.update(OPS, tf.convert_to_tensor(variable), gradient, old, tuple(coefficients))
        variable.assign(value)
        for slot, values in zip(slots, new, strict=True):
            slot.assign(values)

    return move


def _sgd(optimizer: SGD) -> Move:
    def move(
        variable: tf.Variable, slots: Sequence[tf.Variable], gradient: tf.Tensor, coefficients: Sequence[tf.Tensor]
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
