"""The portable operations on torch tensors against those of NumPy: values, gradients, types, and who wins a tie."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tape
from akid_core.ops import OPERATIONS
from akid_torch.ops import TorchOps

TORCH, NUMPY = TorchOps(), NumpyOps()
RANDOM = np.random.default_rng(0)

Call = Callable[..., Any]


def draw(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


INDICES = np.array([[2, 0], [1, 2]])

DIFFERENTIABLE: dict[str, tuple[Call, tuple[np.ndarray, ...]]] = {
    "astype": (lambda ops, x: ops.astype(x, "float32"), (draw(3, 4),)),
    "abs": (lambda ops, x: ops.abs(x), (draw(3, 4),)),
    "exp": (lambda ops, x: ops.exp(x), (draw(3, 4),)),
    "log": (lambda ops, x: ops.log(x), (np.exp(draw(3, 4)),)),
    "sqrt": (lambda ops, x: ops.sqrt(x), (np.exp(draw(3, 4)),)),
    "tanh": (lambda ops, x: ops.tanh(x), (draw(3, 4),)),
    "sigmoid": (lambda ops, x: ops.sigmoid(x), (10 * draw(3, 4),)),
    "erf": (lambda ops, x: ops.erf(x), (draw(3, 4),)),
    "sin": (lambda ops, x: ops.sin(x), (draw(3, 4),)),
    "cos": (lambda ops, x: ops.cos(x), (draw(3, 4),)),
    "maximum": (lambda ops, x, y: ops.maximum(x, y), (draw(3, 4), draw(4))),
    "maximum, number": (lambda ops, x: ops.maximum(x, 0.3), (draw(3, 4),)),
    "minimum": (lambda ops, x, y: ops.minimum(x, y), (draw(3, 4), draw(3, 1))),
    "minimum, number": (lambda ops, x: ops.minimum(x, 0.3), (draw(3, 4),)),
    "where": (lambda ops, x, y: ops.where(x < y, x, y * 2.0), (draw(3, 4), draw(3, 4))),
    "where, number": (lambda ops, x: ops.where(x < 0.5, x, 0.0), (draw(3, 4),)),
    "sum": (lambda ops, x: ops.sum(x), (draw(2, 3, 4),)),
    "sum, axes": (lambda ops, x: ops.sum(x, axis=(0, -1), keepdims=True), (draw(2, 3, 4),)),
    "mean": (lambda ops, x: ops.mean(x, axis=1), (draw(2, 3, 4),)),
    "mean, axes": (lambda ops, x: ops.mean(x, axis=(0, 2), keepdims=True), (draw(2, 3, 4),)),
    "max": (lambda ops, x: ops.max(x), (draw(2, 3, 4),)),
    "max, axis": (lambda ops, x: ops.max(x, axis=-2, keepdims=True), (draw(2, 3, 4),)),
    "max, axes": (lambda ops, x: ops.max(x, axis=(2, 0)), (draw(2, 3, 4),)),
    "max, axes kept": (lambda ops, x: ops.max(x, axis=(1, -1), keepdims=True), (draw(2, 3, 4),)),
    "cumulative_sum": (lambda ops, x: ops.cumulative_sum(x, axis=1), (draw(2, 3),)),
    "reshape": (lambda ops, x: ops.reshape(x, (-1, 6)), (draw(2, 3, 4),)),
    "permute_dims": (lambda ops, x: ops.permute_dims(x, (2, 0, 1)), (draw(2, 3, 4),)),
    "broadcast_to": (lambda ops, x: ops.broadcast_to(x, (5, 2, 3)), (draw(2, 1),)),
    "concat": (lambda ops, x, y: ops.concat([x, y, x], axis=1), (draw(2, 3), draw(2, 1))),
    "pad": (lambda ops, x: ops.pad(x, [(0, 1), (2, 0), (1, 1)], 0.5), (draw(2, 3, 4),)),
    "flip": (lambda ops, x: ops.flip(x, axis=-1), (draw(2, 3),)),
    "windows": (lambda ops, x: ops.windows(x, (3, 2), (2, 1), (1, 2)), (draw(2, 3, 8, 7),)),
    "windows, one axis": (lambda ops, x: ops.windows(x, (3,), (2,), (2,)), (draw(2, 3, 9),)),
    "matmul": (lambda ops, x, y: ops.matmul(x, y), (draw(5, 2, 3), draw(3, 4))),
    "take": (lambda ops, x: ops.take(x, ops.asarray(INDICES, "int64"), axis=-2), (draw(2, 3, 4),)),
    "stop_gradient": (lambda ops, x: x * ops.stop_gradient(x), (draw(3),)),
    "operators": (lambda ops, x, y: -((x @ y) ** 2) / 3.0 - 1.0 + 2.0 * x[:, 1:2], (draw(2, 3), draw(3, 4))),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_values_and_gradients_are_those_of_numpy(name: str) -> None:
    function, arrays = DIFFERENTIABLE[name]
    tape = Tape()
    watched = [tape.watch(array) for array in arrays]
    reference = function(NUMPY, *watched)
    cotangent = np.random.default_rng(1).normal(size=reference.shape).astype(reference.dtype)
    expected = tape.gradients(NUMPY.sum(reference * NUMPY.asarray(cotangent, str(reference.dtype))), watched)

    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    result = function(TORCH, *leaves)
    gradients = torch.autograd.grad((result * torch.from_numpy(cotangent)).sum(), leaves)

    assert result.numpy(force=True).dtype == reference.dtype
    np.testing.assert_allclose(result.numpy(force=True), reference.data, rtol=1e-6 if name == "astype" else 1e-13)
    for gradient, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient.numpy(), wanted, rtol=1e-12, atol=1e-14)


WORDS = np.array([0, 1, -1, 123456789, -(2**31), 2**31 - 1], dtype=np.int32)
TRUE = np.array([True, False, True])

WHOLE: dict[str, Call] = {
    "asarray": lambda ops: ops.asarray([[1.5, 2.5]], "float32"),
    "zeros_like": lambda ops: ops.zeros_like(ops.asarray(WORDS, "int32")),
    "equal": lambda ops: ops.equal(ops.asarray(WORDS, "int32"), 1),
    "logical_and": lambda ops: ops.logical_and(ops.asarray(TRUE, "bool"), ops.asarray(TRUE[::-1].copy(), "bool")),
    "logical_not": lambda ops: ops.logical_not(ops.asarray(TRUE, "bool")),
    "bitwise_and": lambda ops: ops.bitwise_and(ops.asarray(WORDS, "int32"), 0xFFFF),
    "bitwise_xor": lambda ops: ops.bitwise_xor(ops.asarray(WORDS, "int32"), ops.asarray(WORDS[::-1].copy(), "int32")),
    "bitwise_right_shift": lambda ops: ops.bitwise_right_shift(ops.asarray(WORDS, "int32"), 15),
    "wrapping product": lambda ops: ops.asarray(WORDS, "int32") * 0x7FEB352D,
    "sum of integers": lambda ops: ops.sum(ops.asarray(WORDS[:4], "int32")),
    "argmax": lambda ops: ops.argmax(ops.asarray([[1.0, 3.0, 3.0], [2.0, 2.0, 0.0]], "float32"), axis=1),
    "one_hot": lambda ops: ops.one_hot(ops.asarray([2, 0, 3, -1], "int32"), 3, "float64"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_values_without_a_gradient_are_those_of_numpy(name: str) -> None:
    result, reference = WHOLE[name](TORCH).numpy(), WHOLE[name](NUMPY).data
    assert result.dtype == reference.dtype
    np.testing.assert_array_equal(result, reference)


def test_every_operation_is_compared() -> None:
    compared = {name.partition(",")[0] for name in (*DIFFERENTIABLE, *WHOLE)}
    assert set(OPERATIONS) <= compared


def gradient_of(function: Call, *arrays: Any) -> list[list[float]]:
    leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays]
    return [gradient.tolist() for gradient in torch.autograd.grad(function(*leaves).sum(), leaves)]


def test_the_first_of_equals_takes_the_whole_gradient() -> None:
    assert gradient_of(lambda x: TORCH.max(x, axis=1), [[3.0, 1.0, 3.0], [0.0, 0.0, 0.0]]) == [[[1, 0, 0], [1, 0, 0]]]
    assert gradient_of(lambda x: TORCH.max(x, axis=(0, 1)), [[1.0, 3.0], [3.0, 3.0]]) == [[[0, 1], [0, 0]]]
    # Axes count in row-major order of the array, not in the order in which they are named.
    assert gradient_of(lambda x: TORCH.max(x, axis=(1, 0)), [[1.0, 3.0], [3.0, 3.0]]) == [[[0, 1], [0, 0]]]
    assert gradient_of(TORCH.maximum, [1.0, 2.0], [1.0, 3.0]) == [[1, 0], [0, 1]]
    assert gradient_of(TORCH.minimum, [1.0, 2.0], [1.0, 1.0]) == [[1, 0], [0, 1]]
    assert gradient_of(lambda x: TORCH.maximum(x, 0.0), [0.0, -0.0, -1.0]) == [[1, 1, 0]]
    assert gradient_of(TORCH.abs, [0.0, -2.0]) == [[0, -1]]


def test_what_is_no_number_stays_none() -> None:
    nan = torch.tensor([math.nan, 1.0])
    for operation in (TORCH.maximum, TORCH.minimum):
        assert operation(nan, torch.tensor([1.0, math.nan])).isnan().all()
    assert TORCH.max(nan).isnan()
