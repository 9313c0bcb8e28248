"""The portable operations, each as a layer of its own: for every operation at least one `Trial`, ties included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

ROWS = 5
RANDOM = np.random.default_rng(13)


@dataclass(frozen=True, kw_only=True)
class Operation(Layer):
    """Gives what `given(ops, t, *inputs)` gives, where t is the type of the first input."""

    given: Callable[..., Any]

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        """The spec of what NumPy makes of ones."""
        ops = NumpyOps()
        ones = [ops.asarray(np.ones((ROWS, *spec.row)), spec.dtype) for spec in inputs]
        result = self.given(ops, inputs[0].dtype, *ones)
        return TensorSpec(("N", *result.shape[1:]), str(result.dtype))

    def forward(self, context: Context, *inputs: Array) -> Array:
        return self.given(context.ops, context.call.in_specs[0].dtype, *inputs)


def of(given: Callable[..., Any], *inputs: np.ndarray) -> Trial:
    """What is made of these inputs, each with 5 rows first."""
    specs = tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)
    return Trial(layer=Operation(given=given), in_specs=specs, inputs=inputs)


def normal(*row: int) -> np.ndarray:
    return RANDOM.normal(size=(ROWS, *row)).astype(np.float32)


def whole(*row: int) -> np.ndarray:
    """Small whole numbers, so that there are ties."""
    return RANDOM.integers(-2, 3, (ROWS, *row)).astype(np.float32)


def words() -> np.ndarray:
    return RANDOM.integers(-(2**31), 2**31, (ROWS, 6)).astype(np.int32)


X, Y, WHOLE, OTHER = normal(3, 4), normal(3, 4), whole(3, 4), whole(3, 4)
POSITIVE = np.abs(X) + np.float32(0.1)
FAR = np.broadcast_to(np.array([-200, -30, -1, 0, 1, 30, 200], np.float32), (ROWS, 7)).copy()
LINE, IMAGE = normal(2, 9), normal(2, 6, 7)
INDEX = RANDOM.integers(0, 3, (ROWS, 2)).astype(np.int64)

OPERATION_TRIALS: dict[str, tuple[Trial, ...]] = {
    "asarray": (
        of(lambda ops, t, x: x * ops.asarray([1.5, -2.0, 0.0, 3.0], t), X),
        of(lambda ops, t, x: x + ops.asarray(np.arange(4), t), X),
    ),
    "astype": (
        of(lambda ops, t, x: ops.astype(x, "int32"), 3 * X),
        of(lambda ops, t, x: ops.astype(ops.astype(x, "bool"), t), WHOLE),
        of(lambda ops, t, x: ops.astype(ops.astype(x, "float64"), t) * 2.0, X),
    ),
    "zeros_like": (of(lambda ops, t, x: ops.zeros_like(x) + 2.0, X), of(lambda ops, t, x: ops.zeros_like(x), INDEX)),
    "abs": (of(lambda ops, t, x: ops.abs(x), X), of(lambda ops, t, x: ops.abs(x), WHOLE)),
    "exp": (of(lambda ops, t, x: ops.exp(x), X),),
    "log": (of(lambda ops, t, x: ops.log(x), POSITIVE),),
    "sqrt": (of(lambda ops, t, x: ops.sqrt(x), POSITIVE),),
    "tanh": (of(lambda ops, t, x: ops.tanh(x), X), of(lambda ops, t, x: ops.tanh(x), FAR)),
    "sigmoid": (of(lambda ops, t, x: ops.sigmoid(x), X), of(lambda ops, t, x: ops.sigmoid(x), FAR)),
    "erf": (of(lambda ops, t, x: ops.erf(x), X), of(lambda ops, t, x: ops.erf(x), FAR)),
    "sin": (of(lambda ops, t, x: ops.sin(x), 3 * X),),
    "cos": (of(lambda ops, t, x: ops.cos(x), 3 * X),),
    "maximum": (
        of(lambda ops, t, x, y: ops.maximum(x, y), WHOLE, OTHER),
        of(lambda ops, t, x: ops.maximum(x, 0.0), WHOLE),
        of(lambda ops, t, x, y: ops.maximum(x, y[:, :1]), X, Y),
    ),
    "minimum": (
        of(lambda ops, t, x, y: ops.minimum(x, y), WHOLE, OTHER),
        of(lambda ops, t, x: ops.minimum(x, 1.0), WHOLE),
    ),
    "equal": (
        of(lambda ops, t, x, y: ops.equal(x, y), WHOLE, OTHER),
        of(lambda ops, t, x: ops.equal(x, 1), INDEX),
    ),
    "where": (
        of(lambda ops, t, x, y: ops.where(x > 0.0, x, y), WHOLE, Y),
        of(lambda ops, t, x: ops.where(x > 0.0, x, -1.0), WHOLE),
        of(lambda ops, t, x: ops.where(x > 0.0, 0.0, x), WHOLE),
        of(lambda ops, t, x, y: ops.where(x > 0.0, x, y[:, :1]), X, Y),
    ),
    "logical_and": (of(lambda ops, t, x, y: ops.logical_and(x > 0.0, y > 0.0), X, Y),),
    "logical_not": (of(lambda ops, t, x: ops.logical_not(x > 0.0), X),),
    "bitwise_and": (
        of(lambda ops, t, x, y: ops.bitwise_and(x, y), words(), words()),
        of(lambda ops, t, x: ops.bitwise_and(x, 0xFFFF), words()),
    ),
    "bitwise_xor": (
        of(lambda ops, t, x, y: ops.bitwise_xor(x, y), words(), words()),
        of(lambda ops, t, x: ops.bitwise_xor(x, -5), words()),
    ),
    "bitwise_right_shift": (of(lambda ops, t, x: ops.bitwise_right_shift(x, 7), words()),),
    "sum": (
        of(lambda ops, t, x: ops.sum(x, axis=1), X),
        of(lambda ops, t, x: ops.sum(x, axis=(1, -1), keepdims=True), X),
        of(lambda ops, t, x: x * ops.sum(x), X),
        of(lambda ops, t, x: ops.sum(x, 2, True), X),
        of(lambda ops, t, x: ops.sum(x, axis=-1), INDEX),
    ),
    "mean": (
        of(lambda ops, t, x: ops.mean(x, axis=(1, 2)), X),
        of(lambda ops, t, x: x - ops.mean(x, axis=-1, keepdims=True), X),
        of(lambda ops, t, x: x * ops.mean(x), X),
    ),
    "max": (
        of(lambda ops, t, x: ops.max(x, axis=-1), WHOLE),
        of(lambda ops, t, x: ops.max(x, axis=(1, 2), keepdims=True), WHOLE),
        of(lambda ops, t, x: ops.max(x, axis=1), -POSITIVE),
    ),
    "argmax": (of(lambda ops, t, x: ops.argmax(x, axis=1), WHOLE), of(lambda ops, t, x: ops.argmax(x, axis=-1), X)),
    "cumulative_sum": (
        of(lambda ops, t, x: ops.cumulative_sum(x, axis=1), X),
        of(lambda ops, t, x: ops.cumulative_sum(x, axis=-1), X),
    ),
    "reshape": (
        of(lambda ops, t, x: ops.reshape(x, (-1, 12)), X),
        of(lambda ops, t, x: ops.reshape(x, (-1, 2, 6)), X),
    ),
    "permute_dims": (
        of(lambda ops, t, x: ops.permute_dims(x, (0, 2, 1)), X),
        of(lambda ops, t, x: ops.permute_dims(x, (0, 3, 1, 2)), IMAGE),
    ),
    "broadcast_to": (of(lambda ops, t, x: ops.broadcast_to(x[:, :1], x.shape), X),),
    "concat": (
        of(lambda ops, t, x, y: ops.concat([x, y], axis=1), X, Y),
        of(lambda ops, t, x, y: ops.concat([x, y, x], axis=-1), X, Y),
    ),
    "pad": (
        of(lambda ops, t, x: ops.pad(x, [(0, 0), (1, 0), (2, 3)]), X),
        of(lambda ops, t, x: ops.max(ops.pad(x, [(0, 0), (0, 0), (1, 1)], -np.inf), axis=-1), X),
    ),
    "flip": (of(lambda ops, t, x: ops.flip(x, 1), X), of(lambda ops, t, x: ops.flip(x, axis=-1), X)),
    "windows": (
        of(lambda ops, t, x: ops.windows(x, (3,), (1,), (1,)), LINE),
        of(lambda ops, t, x: ops.windows(x, (2,), (3,), (3,)), LINE),
        of(lambda ops, t, x: ops.windows(x, (3, 2), (1, 1), (1, 1)), IMAGE),
        of(lambda ops, t, x: ops.windows(x, (2, 3), (2, 3), (1, 2)), IMAGE),
    ),
    "matmul": (
        of(lambda ops, t, x, y: ops.matmul(x, ops.permute_dims(y, (0, 2, 1))), X, Y),
        of(lambda ops, t, x: ops.matmul(x, ops.asarray(np.arange(8.0).reshape(4, 2), t)), X),
        of(lambda ops, t, x: x @ ops.asarray(np.arange(8.0).reshape(4, 2), t), X),
    ),
    "take": (
        of(lambda ops, t, x: ops.take(x, ops.asarray([2, 0, 2], "int64"), axis=1), X),
        of(lambda ops, t, x: ops.take(x, ops.asarray([[1, 1], [0, 3]], "int32"), axis=-1), X),
        of(lambda ops, t, index: ops.take(ops.asarray(np.arange(6).reshape(3, 2), "int64"), index, axis=0), INDEX),
    ),
    "one_hot": (
        of(lambda ops, t, index: ops.one_hot(index, 3, "float32"), INDEX),
        of(lambda ops, t, index: ops.one_hot(index, 2, "float32"), INDEX - 1),
    ),
    "stop_gradient": (of(lambda ops, t, x: x * ops.stop_gradient(x), X),),
}
"""By the name of the operation."""

OPERATOR_TRIALS: dict[str, tuple[Trial, ...]] = {
    "+": (of(lambda ops, t, x, y: x + y, X, Y), of(lambda ops, t, x, y: 2 + x + y[:, :1] + 0.5, X, Y)),
    "-": (of(lambda ops, t, x, y: x - y, X, Y), of(lambda ops, t, x: 1 - x - 0.5, X), of(lambda ops, t, x: -x, X)),
    "*": (of(lambda ops, t, x, y: x * y[:, :1], X, Y), of(lambda ops, t, x: x * -1640531527, words())),
    "/": (of(lambda ops, t, x, y: x / y, X, POSITIVE), of(lambda ops, t, x: 1.0 / x / 3, POSITIVE)),
    "**": (of(lambda ops, t, x: x**2, X), of(lambda ops, t, x, y: x**y, POSITIVE, Y)),
    "<": (of(lambda ops, t, x, y: x < y, WHOLE, OTHER), of(lambda ops, t, x: x <= 0, WHOLE)),
    ">": (of(lambda ops, t, x, y: x > y, WHOLE, OTHER), of(lambda ops, t, x: x >= 1, INDEX)),
    "[]": (
        of(lambda ops, t, x: x[:, 1:3], X),
        of(lambda ops, t, x: x[:, :, ::2], X),
        of(lambda ops, t, x: x[:, -1], X),
        of(lambda ops, t, x: x[:, -2:9], X),
        of(lambda ops, t, x: x[..., None] * x[..., None, :1], X),
    ),
}
"""By the operator."""
