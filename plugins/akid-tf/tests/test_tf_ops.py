"""The portable operations in TensorFlow: values and gradients as NumPy's, ties as the core defines them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tape
from akid_core.ops import OPERATIONS
from akid_core.random import derive_key, elements, row_bits
from akid_tf.ops import TensorflowOps
from akid_tf.runtime import tf

NUMPY, OPS = NumpyOps(), TensorflowOps()
RANDOM = np.random.default_rng(0)
TIES = np.array([[2.0, 1.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 3.0, 3.0, -1.0]])
IMAGE = RANDOM.normal(size=(3, 2, 7, 6))
ROWS = RANDOM.normal(size=(3, 4))
POSITIVE = RANDOM.uniform(0.1, 3.0, (3, 4))
INDICES = np.array([[2, 0, 2], [1, 1, 3]])

Function = Callable[..., Any]
DIFFERENTIABLE: dict[str, list[tuple[Function, tuple[np.ndarray, ...]]]] = {
    "astype": [(lambda o, x: o.astype(o.astype(x, "float32"), "float64"), (np.float64(np.float32(ROWS)),))],
    "zeros_like": [(lambda o, x: x + o.zeros_like(x), (ROWS,))],
    "abs": [(lambda o, x: o.abs(x), (TIES,))],
    "exp": [(lambda o, x: o.exp(x), (ROWS,))],
    "log": [(lambda o, x: o.log(x), (POSITIVE,))],
    "sqrt": [(lambda o, x: o.sqrt(x), (POSITIVE,))],
    "tanh": [(lambda o, x: o.tanh(x), (ROWS,))],
    "sigmoid": [(lambda o, x: o.sigmoid(x * 30.0), (ROWS,))],
    "erf": [(lambda o, x: o.erf(x), (ROWS,))],
    "sin": [(lambda o, x: o.sin(x), (ROWS,))],
    "cos": [(lambda o, x: o.cos(x), (ROWS,))],
    "maximum": [
        (lambda o, x, y: o.maximum(x, y), (TIES, TIES[::-1].copy())),
        (lambda o, x: o.maximum(x, 0.0), (TIES,)),
        (lambda o, x: o.maximum(o.zeros_like(x), x), (TIES,)),
        (lambda o, x, y: o.maximum(x, y), (TIES, np.array([2.0, 0.0, 3.0, 0.0]))),
    ],
    "minimum": [(lambda o, x, y: o.minimum(x, y), (TIES, TIES[::-1].copy())), (lambda o, x: o.minimum(x, 2), (TIES,))],
    "where": [
        (lambda o, x, y: o.where(x > y, x * 2.0, y), (TIES, TIES[::-1].copy())),
        (lambda o, x: o.where(x >= 2.0, 1.0, x), (TIES,)),
        (lambda o, x: o.where(o.equal(x, 2.0), x, 0.0), (TIES,)),
    ],
    "sum": [(lambda o, x: o.sum(x, axis=(0, 2)), (IMAGE,)), (lambda o, x: o.sum(x, 1, keepdims=True), (IMAGE,))],
    "mean": [(lambda o, x: o.mean(x), (IMAGE,)), (lambda o, x: o.mean(x, axis=(0, 2, 3), keepdims=True), (IMAGE,))],
    "max": [
        (lambda o, x: o.max(x), (TIES,)),
        (lambda o, x: o.max(x, axis=1), (TIES,)),
        (lambda o, x: o.max(x, axis=-1, keepdims=True), (TIES,)),
        (lambda o, x: o.max(x, axis=0), (TIES,)),
        (lambda o, x: o.max(x, axis=(3, 1)), (np.round(IMAGE),)),
        (lambda o, x: o.max(o.where(x > 0.0, x, -np.inf), axis=1), (TIES[[0, 2]],)),
    ],
    "cumulative_sum": [(lambda o, x: o.cumulative_sum(x, 1), (ROWS,))],
    "reshape": [(lambda o, x: o.reshape(x, (-1, 12)) * 2.0, (IMAGE,))],
    "permute_dims": [(lambda o, x: o.permute_dims(x, (2, 0, 3, 1)), (IMAGE,))],
    "broadcast_to": [(lambda o, x: o.broadcast_to(x, (3, 5, 4)), (RANDOM.normal(size=(5, 1)),))],
    "concat": [(lambda o, x, y: o.concat([x, y, x], axis=1), (ROWS, TIES))],
    "pad": [(lambda o, x: o.pad(x, ((0, 0), (0, 0), (1, 2), (0, 3)), 1.5), (IMAGE,))],
    "flip": [(lambda o, x: o.flip(x, 1), (ROWS,))],
    "windows": [
        (lambda o, x: o.windows(x, (3, 2), (2, 1), (1, 2)), (IMAGE,)),
        (lambda o, x: o.windows(x, (2,), (1,), (3,)), (IMAGE[:, :, :, 0].copy(),)),
    ],
    "matmul": [(lambda o, x, y: o.matmul(x, y), (ROWS, ROWS.T.copy()))],
    "take": [
        (lambda o, x: o.take(x, o.asarray(INDICES, "int64"), 1), (ROWS,)),
        (lambda o, x: o.take(x, o.asarray(INDICES % 3, "int32"), 0), (ROWS,)),
    ],
    "stop_gradient": [(lambda o, x: x * o.stop_gradient(x), (ROWS,))],
    "operators": [
        (lambda o, x, y: (x - y) * 2.0 / y - 1.0 / y + (-x) ** 2.0 @ o.permute_dims(y, (1, 0)) @ y, (ROWS, POSITIVE)),
        (lambda o, x: x[1:, ::2] + x[:-1, 1::2], (ROWS,)),
    ],
}
EXACT: dict[str, Function] = {
    "asarray": lambda o: o.asarray([[1.5, 2.0]], "float32"),
    "equal": lambda o: o.equal(o.asarray(TIES, "float64"), 2.0),
    "logical_and": lambda o: o.logical_and(o.asarray(TIES, "float64") > 0.0, o.asarray(TIES, "float64") <= 2.0),
    "logical_not": lambda o: o.logical_not(o.asarray(TIES, "float64") < 1.0),
    "bitwise_and": lambda o: o.bitwise_and(o.asarray([-1, 2**31 - 1, -(2**31), 12], "int32"), 0x7FEB352D),
    "bitwise_xor": lambda o: o.bitwise_xor(o.asarray([-1, 7], "int32"), o.asarray([5, -(2**31)], "int32")),
    "bitwise_right_shift": lambda o: o.bitwise_right_shift(o.asarray([-1, -(2**31), 2**31 - 1], "int32"), 8),
    "argmax": lambda o: o.argmax(o.asarray(np.tile(TIES, (1, 300)), "float32"), 1),
    "one_hot": lambda o: o.one_hot(o.asarray([2, 0, 5], "int64"), 4, "float64"),
    "wrapping": lambda o: o.asarray([2**31 - 1, 123456789], "int32") * -1640531527 + 77,
    "row_bits": lambda o: row_bits(
        o, derive_key(3, "mask", "drop"),
        o.asarray([41], "int32"), o.asarray([0, 1, 7], "int32"), o.asarray(elements((2, 3)), "int32"),
    ),
}  # fmt: skip


def test_every_operation_is_here() -> None:
    assert set(OPERATIONS) <= {*DIFFERENTIABLE, *EXACT}


@pytest.mark.parametrize("name", EXACT)
def test_exact(name: str) -> None:
    expected, found = EXACT[name](NUMPY).data, EXACT[name](OPS).numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_values_and_gradients(compiled: bool) -> None:
    for name, cases in DIFFERENTIABLE.items():
        for number, (function, arrays) in enumerate(cases):
            tape = Tape()
            watched = [tape.watch(array) for array in arrays]
            expected = function(NUMPY, *watched)
            cotangent = np.random.default_rng(1).normal(size=expected.shape)
            target = NUMPY.sum(expected * NUMPY.asarray(cotangent, "float64"))
            expected_gradients = tape.gradients(target, watched)
            found, gradients = differentiate(function, arrays, cotangent, compiled)
            where = f"{name}, case {number}"
            np.testing.assert_allclose(found, expected.data, rtol=1e-12, atol=1e-14, err_msg=where)
            for gradient, wanted in zip(gradients, expected_gradients, strict=True):
                np.testing.assert_allclose(gradient, wanted, rtol=1e-11, atol=1e-13, err_msg=where)


def differentiate(
    function: Function, arrays: tuple[np.ndarray, ...], cotangent: np.ndarray, compiled: bool
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The value and the gradients by TensorFlow; compiled with the size of the first axis unknown."""

    def run(*tensors: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(OPS, *tensors)
        found = tape.gradient(value, tensors, tf.constant(cotangent), tf.UnconnectedGradients.ZERO)
        return value, [tf.convert_to_tensor(gradient) for gradient in found]

    if compiled:
        signature = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
        run = tf.function(run, input_signature=signature, autograph=False)
    value, gradients = run(*map(tf.constant, arrays))
    return value.numpy(), [gradient.numpy() for gradient in gradients]


def test_shapes_may_name_the_unknown_batch() -> None:
    """A layer may write `x.shape[0]`, which is None while a batch of any size is compiled."""
    signature = [tf.TensorSpec((None, 2, 3), "float32")]
    folded = tf.function(lambda x: OPS.reshape(x, (x.shape[0], 6)), input_signature=signature)
    assert folded(tf.zeros((5, 2, 3))).shape == (5, 6)
    signature = [tf.TensorSpec((None, 2, None), "float32")]
    halved = tf.function(lambda x: OPS.reshape(x, (x.shape[0], 1, 2, x.shape[2])), input_signature=signature)
    assert halved(tf.zeros((0, 2, 3))).shape == (0, 1, 2, 3)


def test_a_window_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit into 6 values"):
        OPS.windows(tf.constant(IMAGE), (1, 4), (1, 1), (1, 2))
