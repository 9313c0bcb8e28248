"""The portable operations in NumPy: values worked out elsewhere, gradients against finite differences."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tape, Tensor
from akid_core.ops import OPERATIONS

OPS = NumpyOps()
RANDOM = np.random.default_rng(0)
Function = Callable[..., Tensor]


def constant(value: Any, dtype: str = "float64") -> Tensor:
    return OPS.asarray(value, dtype)


def gradients(function: Function, *arrays: Any, cotangent: Any = 1.0) -> list[np.ndarray]:
    """The gradient of sum(cotangent * function(*arrays)) by each array."""
    tape = Tape()
    tensors = [tape.watch(np.asarray(array, np.float64)) for array in arrays]
    result = function(*tensors)
    return tape.gradients(OPS.sum(result * constant(np.broadcast_to(cotangent, result.shape))), tensors)


def check_gradients(function: Function, *arrays: np.ndarray, step: float = 1e-6) -> None:
    """Each element of each gradient against a central difference, for a random cotangent."""
    result = function(*map(constant, arrays))
    cotangent = np.random.default_rng(1).normal(size=result.shape)
    found = gradients(function, *arrays, cotangent=cotangent)
    for place, (array, gradient) in enumerate(zip(arrays, found, strict=True)):
        assert gradient.shape == array.shape
        expected = np.empty_like(array)
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                moved = [other.copy() for other in arrays]
                moved[place][index] += sign * step
                sides.append(np.sum(function(*map(constant, moved)).data * cotangent))
            expected[index] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


def apart(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Values in a random order, no two nearer than the grid: far from every tie, and none near 0."""
    size = math.prod(shape)
    grid = np.linspace(low, high, size + 1)[:-1] + (high - low) / (3 * size)
    return RANDOM.permutation(grid).reshape(shape)


ELEMENTWISE: dict[str, tuple[Callable[[float], float], float, float]] = {
    "abs": (abs, -2, 2),
    "exp": (math.exp, -2, 2),
    "log": (math.log, 0.1, 3),
    "sqrt": (math.sqrt, 0.1, 3),
    "tanh": (math.tanh, -2, 2),
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), -5, 5),
    "erf": (math.erf, -2, 2),
    "sin": (math.sin, -4, 4),
    "cos": (math.cos, -4, 4),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    reference, low, high = ELEMENTWISE[name]
    x = apart(3, 4, low=low, high=high)
    function = getattr(OPS, name)
    expected = [[reference(value) for value in row] for row in x.tolist()]
    np.testing.assert_allclose(function(constant(x)).data, expected, rtol=1e-14)
    check_gradients(function, x)
    single = function(OPS.asarray(x, "float32"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, expected, rtol=1e-6, atol=1e-7)


OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "maximum": OPS.maximum,
    "minimum": OPS.minimum,
    "where": lambda x, y: OPS.where(OPS.asarray([[True], [False]], "bool"), x, y),
}
SHAPES = [
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((2, 3), ()),
    ((), (2, 3)),
    ((4, 2, 3), (1, 3)),
]
REFERENCES: dict[str, Callable[[Any, Any], Any]] = {
    **{sign: OPERATORS[sign] for sign in ("+", "-", "*", "/", "**")},
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda x, y: np.where([[True], [False]], x, y),
}


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_two_sides_broadcast(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, y = apart(*shapes[0], low=0.3, high=2.0), apart(*shapes[1], low=0.31, high=2.2)
    got = OPERATORS[name](constant(x), constant(y))
    np.testing.assert_allclose(got.data, REFERENCES[name](x, y), rtol=1e-14)
    check_gradients(OPERATORS[name], x, y)


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "**"])
def test_numbers_take_the_type_of_the_tensor(sign: str) -> None:
    calculate = OPERATORS[sign]
    for number in (2, 2.5):
        for dtype in ("float32", "float64"):
            x = OPS.asarray([1.5, 3.0], dtype)
            assert calculate(x, number).dtype == calculate(number, x).dtype == np.dtype(dtype)
            np.testing.assert_allclose(calculate(x, number).data, calculate(np.array([1.5, 3.0]), number), rtol=1e-6)
            np.testing.assert_allclose(calculate(number, x).data, calculate(number, np.array([1.5, 3.0])), rtol=1e-6)
        check_gradients(lambda x, number=number: calculate(number, x), apart(4, low=0.5, high=2))
        check_gradients(lambda x, number=number: calculate(x, number), apart(4, low=0.5, high=2))


def test_types_never_mix() -> None:
    single, double, whole = constant([1.0], "float32"), constant([1.0]), constant([1], "int64")
    for wrong in (lambda: single + double, lambda: double * whole, lambda: OPS.maximum(double, whole)):
        with pytest.raises(TypeError, match="use astype"):
            wrong()
    for wrong in (lambda: whole + 0.5, lambda: np.ones(1) * double, lambda: double - np.ones(1)):
        with pytest.raises(TypeError, match="asarray or astype"):
            wrong()
    with pytest.raises(TypeError, match="two numbers have no type"):
        OPS.where(constant([True], "bool"), 1.0, 0.0)


def test_negative_and_zero_powers() -> None:
    check_gradients(lambda x: -x, apart(3))
    (slope,) = gradients(lambda x: x**2, [-3.0, 0.0])
    np.testing.assert_array_equal(slope, [-6, 0])
    by_base, by_exponent = gradients(operator.pow, [0.0, 2.0], [3.0, 3.0])
    np.testing.assert_allclose(by_base, [0, 12])
    np.testing.assert_allclose(by_exponent, [0, 8 * math.log(2)])  # x^y log x tends to 0


def test_ties_go_to_the_first() -> None:
    np.testing.assert_array_equal(gradients(OPS.abs, [0.0]), [[0.0]])
    for function in (OPS.maximum, OPS.minimum):
        np.testing.assert_array_equal(gradients(function, [1.0, 2.0], [1.0, 2.0]), [[1, 1], [0, 0]])
        np.testing.assert_array_equal(gradients(lambda x, f=function: f(x, 0.0), [0.0]), [[1.0]])
    (relu,) = gradients(lambda x: OPS.maximum(constant(0.0), x), [-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(relu, [0, 0, 1])
    tied = [[1.0, 3.0, 3.0], [3.0, 0.0, 3.0]]
    np.testing.assert_array_equal(gradients(OPS.max, tied), [[[0, 1, 0], [0, 0, 0]]])
    np.testing.assert_array_equal(gradients(lambda x: OPS.max(x, axis=0), tied), [[[0, 1, 1], [1, 0, 0]]])
    np.testing.assert_array_equal(gradients(lambda x: OPS.max(x, axis=(-1, 0)), tied), [[[0, 1, 0], [0, 0, 0]]])


def test_sigmoid_keeps_its_tails() -> None:
    got = OPS.sigmoid(constant([-745.0, -40.0, 40.0, 745.0])).data
    np.testing.assert_allclose(got, [math.exp(-745), math.exp(-40), 1, 1], rtol=1e-14)


def test_comparisons_and_logic() -> None:
    x, y = constant([1.0, 2.0, 3.0]), constant([2.0, 2.0, 2.0])
    for sign, expected in (
        (operator.lt, [True, False, False]),
        (operator.le, [True, True, False]),
        (operator.gt, [False, False, True]),
        (operator.ge, [False, True, True]),
        (OPS.equal, [False, True, False]),
    ):
        np.testing.assert_array_equal(sign(x, y).data, expected)
        np.testing.assert_array_equal(sign(x, 2.0).data, expected)
        assert sign(x, y).dtype == bool
    a, b = constant([True, True, False], "bool"), constant([True, False, False], "bool")
    np.testing.assert_array_equal(OPS.logical_and(a, b).data, [True, False, False])
    np.testing.assert_array_equal(OPS.logical_not(a).data, [False, False, True])
    bytes_ = constant([3, 255], "uint8")
    np.testing.assert_array_equal((bytes_ < 256).data, [True, True])
    np.testing.assert_array_equal((bytes_ >= -1).data, [True, True])


def test_bits() -> None:
    x = constant([-1, 6, -(2**31)], "int32")
    np.testing.assert_array_equal(OPS.bitwise_and(x, 0xFF).data, [255, 6, 0])
    np.testing.assert_array_equal(OPS.bitwise_xor(x, x).data, [0, 0, 0])
    np.testing.assert_array_equal(OPS.bitwise_right_shift(x, 1).data, [-1, 3, -(2**30)])
    np.testing.assert_array_equal((x * 3 + 1).data, [-2, 19, 1 - 2**31])  # 3 * -(2^31) wraps to -(2^31)
    assert OPS.bitwise_and(x, 0xFF).dtype == np.int32


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 0), (-1, 1)])
def test_reductions(axis: Any, keepdims: bool) -> None:
    x = apart(2, 3, 4)
    for name, reference in (("sum", np.sum), ("mean", np.mean), ("max", np.max)):
        function = getattr(OPS, name)
        got = function(constant(x), axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(got.data, reference(x, axis=axis, keepdims=keepdims), rtol=1e-13, atol=1e-15)
        check_gradients(lambda x, f=function: f(x, axis=axis, keepdims=keepdims), x)
        assert function(OPS.asarray(x, "float32"), axis=axis).dtype == np.float32


def test_sums_keep_small_integers_in_their_type() -> None:
    total = OPS.sum(constant([[1, 2], [3, 4]], "int32"), axis=0)
    np.testing.assert_array_equal(total.data, [4, 6])
    assert total.dtype == np.int32


def test_argmax_takes_the_first() -> None:
    got = OPS.argmax(constant([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0]]), axis=1)
    np.testing.assert_array_equal(got.data, [1, 0])
    assert got.dtype == np.int64


def test_cumulative_sum() -> None:
    np.testing.assert_array_equal(OPS.cumulative_sum(constant([[1.0, 2], [3, 4]]), 0).data, [[1, 2], [4, 6]])
    np.testing.assert_array_equal(OPS.cumulative_sum(constant([[1.0, 2], [3, 4]]), -1).data, [[1, 3], [3, 7]])
    check_gradients(lambda x: OPS.cumulative_sum(x, 1), apart(2, 3, 2))


SHAPED: dict[str, tuple[Function, list[list[float]], Any]] = {
    "reshape": (lambda x: OPS.reshape(x, (3, -1)), [[1, 2, 3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]]),
    "permute_dims": (lambda x: OPS.permute_dims(x, (1, 0)), [[1, 2, 3], [4, 5, 6]], [[1, 4], [2, 5], [3, 6]]),
    "broadcast_to": (lambda x: OPS.broadcast_to(x, (2, 2, 2)), [[1], [2]], [[[1, 1], [2, 2]]] * 2),
    "concat": (lambda x: OPS.concat([x, x * 2.0, x], axis=-1), [[1], [2]], [[1, 2, 1], [2, 4, 2]]),
    "pad": (lambda x: OPS.pad(x, [(1, 0), (0, 2)], 9.0), [[1, 2]], [[9, 9, 9, 9], [1, 2, 9, 9]]),
    "flip": (lambda x: OPS.flip(x, 1), [[1, 2, 3]], [[3, 2, 1]]),
    "slices": (lambda x: x[1:, ::2], [[1, 2, 3], [4, 5, 6]], [[4, 6]]),
    "index": (lambda x: x[:, -1], [[1, 2, 3], [4, 5, 6]], [3, 6]),
    "astype": (lambda x: OPS.astype(OPS.astype(x, "float64"), "float64"), [[1, 2]], [[1, 2]]),
    "take": (lambda x: OPS.take(x, constant([[2, 0], [2, 2]], "int64"), -1), [[1, 2, 3]], [[[3, 1], [3, 3]]]),
    "take rows": (lambda x: OPS.take(x, constant([1, 1, 0], "int32"), 0), [[1, 2], [3, 4]], [[3, 4], [3, 4], [1, 2]]),
}


@pytest.mark.parametrize("name", SHAPED)
def test_shapes(name: str) -> None:
    function, x, expected = SHAPED[name]
    np.testing.assert_array_equal(function(constant(x)).data, expected)
    check_gradients(function, np.array(x, np.float64))


def test_three_axes_permute_back() -> None:
    check_gradients(lambda x: OPS.permute_dims(x, (1, 2, 0)), apart(2, 3, 4))


def test_types() -> None:
    assert OPS.astype(constant([1.7, -1.7]), "int64").data.tolist() == [1, -1]
    assert OPS.zeros_like(constant([1, 2], "int32")).data.tolist() == [0, 0]
    tape = Tape()
    x = tape.watch(np.array([1.0, 2.0]))
    single = OPS.astype(x, "float32") * 3.0
    (gradient,) = tape.gradients(OPS.sum(single), [x])
    assert gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, [3, 3])
    assert OPS.astype(x, "int64").tape is None


def test_one_hot() -> None:
    got = OPS.one_hot(constant([[2], [0]], "int64"), 3, "float32")
    np.testing.assert_array_equal(got.data, [[[0, 0, 1]], [[1, 0, 0]]])
    assert got.dtype == np.float32


def test_stop_gradient() -> None:
    (gradient,) = gradients(lambda x: x * OPS.stop_gradient(x), [3.0])
    np.testing.assert_array_equal(gradient, [3.0])


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (6, 3, 2)), ((2, 3), (4, 3, 1))]
)
def test_matmul(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, y = apart(*shapes[0]), apart(*shapes[1])
    np.testing.assert_allclose(
        OPS.matmul(constant(x), constant(y)).data, np.einsum("...ij,...jk->...ik", x, y), rtol=1e-12
    )
    np.testing.assert_array_equal((constant(x) @ constant(y)).data, OPS.matmul(constant(x), constant(y)).data)
    check_gradients(OPS.matmul, x, y)


def test_matmul_takes_matrices() -> None:
    with pytest.raises(TypeError, match="two axes or more"):
        OPS.matmul(constant([1.0]), constant([[1.0]]))


@settings(max_examples=40, deadline=None)
@given(
    space=st.tuples(st.integers(3, 6), st.integers(3, 6)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_windows(space: Any, kernel: Any, stride: Any, dilation: Any) -> None:
    if any(d * (k - 1) + 1 > s for s, k, d in zip(space, kernel, dilation, strict=True)):
        with pytest.raises(ValueError, match="does not fit"):
            OPS.windows(constant(np.zeros((1, 1, *space))), kernel, stride, dilation)
        return
    x = RANDOM.normal(size=(2, 2, *space))
    out = [(s - d * (k - 1) - 1) // t + 1 for s, k, t, d in zip(space, kernel, stride, dilation, strict=True)]
    expected = np.empty((2, 2, *out, *kernel))
    for row, column, i, j in np.ndindex(*out, *kernel):
        place = row * stride[0] + i * dilation[0], column * stride[1] + j * dilation[1]
        expected[:, :, row, column, i, j] = x[:, :, *place]
    np.testing.assert_array_equal(OPS.windows(constant(x), kernel, stride, dilation).data, expected)
    check_gradients(lambda x: OPS.windows(x, kernel, stride, dilation), x[:1])


def test_windows_of_one_and_three_axes() -> None:
    got = OPS.windows(constant([[[1.0, 2, 3, 4]]]), (2,), (1,), (2,))
    np.testing.assert_array_equal(got.data, [[[[1, 3], [2, 4]]]])
    check_gradients(lambda x: OPS.windows(x, (2, 1, 2), (1, 1, 2), (1, 1, 1)), apart(1, 1, 3, 2, 4))


def test_windows_of_a_transposed_view() -> None:
    x = apart(1, 3, 4, 1).transpose(0, 3, 1, 2)
    got = OPS.windows(constant(x), (2, 2), (1, 2), (1, 1)).data
    np.testing.assert_array_equal(got[0, 0, 1, 1], x[0, 0, 1:3, 2:4])


def test_the_tape_adds_up_every_use() -> None:
    tape = Tape()
    x, unused = tape.watch(np.array([2.0, 3.0])), tape.watch(np.ones((2, 2)))
    square = x * x
    total = OPS.sum(square * x + square)
    by_x, by_unused, by_square = tape.gradients(total, [x, unused, square])
    np.testing.assert_array_equal(by_x, [16, 33])  # 3 x^2 + 2 x
    np.testing.assert_array_equal(by_unused, np.zeros((2, 2)))
    np.testing.assert_array_equal(by_square, [3, 4])  # x + 1
    np.testing.assert_array_equal(tape.gradients(constant(1.0), [x]), [[0, 0]])


def test_every_operation_is_here() -> None:
    assert len(OPERATIONS) <= 40
    tested = {
        *ELEMENTWISE,
        *OPERATORS,
        *SHAPED,
        "sum",
        "mean",
        "max",
        "argmax",
        "cumulative_sum",
        "equal",
        "logical_and",
    }
    tested |= {"logical_not", "bitwise_and", "bitwise_xor", "bitwise_right_shift", "asarray", "zeros_like", "one_hot"}
    tested |= {"stop_gradient", "matmul", "windows"}
    assert set(OPERATIONS) <= tested
    assert all(callable(getattr(OPS, name)) for name in OPERATIONS)


def test_a_tensor_shows_its_value_and_is_no_array() -> None:
    tensor = Tensor(np.array([0.0, 2.5]))
    assert (float(tensor[1]), bool(tensor[0] > 1.0), bool(tensor[1] > 1.0)) == (2.5, False, True)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tensor > 1.0)
    with pytest.raises(TypeError, match=r"compute in context\.ops, look at \.data"):
        np.asarray(tensor)
