"""Dense, activations, Flatten, merging and Dropout, by hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from akid_core.layers import Add, Concat, Dense, Dropout, Flatten, ReLU, Sigmoid, Tanh
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import run_layer


def test_dense() -> None:
    run = run_layer(
        Dense(units=2),
        np.array([[1.0, 1.0], [1.0, 0.0]]),
        params={"weight": np.array([[1.0, 1.0], [0.0, 1.0]]), "bias": np.ones(2)},
        cotangents=[np.array([[1.0, 0.0], [0.0, 10.0]])],
    )
    assert run.output.tolist() == [[2, 3], [2, 2]]
    assert run.input_gradient.tolist() == [[1, 0], [10, 10]]
    assert run.param_gradients["weight"].tolist() == [[1, 10], [1, 0]]
    assert run.param_gradients["bias"].tolist() == [1, 10]


def test_dense_acts_on_the_last_axis() -> None:
    x = np.arange(12.0).reshape(2, 3, 2)
    run = run_layer(Dense(units=1, bias=False), x, params={"weight": np.array([[1.0], [10.0]])})
    assert run.output[..., 0].tolist() == [[10, 32, 54], [76, 98, 120]]
    assert run.param_gradients["weight"].ravel().tolist() == [30, 36]


def test_dense_specs() -> None:
    x = TensorSpec(("N", "T", 5), axes="NTC")
    assert Dense(units=7).outputs(x) == TensorSpec(("N", "T", 7), axes="NTC")
    weight, bias = Dense(units=7).params(x)
    assert (weight.shape, weight.axes, weight.fan_in, weight.fan_out, bias.shape) == ((5, 7), "IO", 5, 7, (7,))
    assert [param.name for param in Dense(units=7, bias=False).params(x)] == ["weight"]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (TensorSpec(("N", 3, 4, 4), axes="NCHW"), "put Flatten before it"),
        (TensorSpec(("N",)), r"needs \(batch, \.\.\., features\)"),
        (TensorSpec(("N", "T")), "needs to know the size of axis 1, which is 'T'"),
        (TensorSpec(("N", 3), "int64"), "needs floating numbers"),
    ],
)
def test_dense_refuses(x: TensorSpec, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Dense(units=2).outputs(x)


def test_units_must_be_positive() -> None:
    with pytest.raises(ValueError, match="units must be at least 1, got 0"):
        Dense(units=0)


def test_relu_and_its_derivative_at_zero() -> None:
    run = run_layer(ReLU(), np.array([[1.0, -1.0, 0.0]]), cotangents=[np.array([[2.0, 3.0, 5.0]])])
    assert run.output.tolist() == [[1, 0, 0]]
    assert run.input_gradient.tolist() == [[2, 0, 0]]


def test_relu_does_not_hide_what_is_not_a_number() -> None:
    assert math.isnan(run_layer(ReLU(), np.array([[math.nan]])).output[0, 0])


def test_tanh_and_sigmoid() -> None:
    x = np.array([[0.0, math.log(3.0), -1000.0]])
    tanh, sigmoid = run_layer(Tanh(), x), run_layer(Sigmoid(), x)
    np.testing.assert_allclose(tanh.output, [[0, 0.8, -1]], rtol=1e-15)
    np.testing.assert_allclose(tanh.input_gradient, [[1, 0.36, 0]], rtol=1e-14)
    np.testing.assert_allclose(sigmoid.output, [[0.5, 0.75, 0]], rtol=1e-15)
    np.testing.assert_allclose(sigmoid.input_gradient, [[0.25, 0.1875, 0]], rtol=1e-14)


def test_flatten_is_row_major_over_channels_height_width() -> None:
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    assert run_layer(Flatten(), x).output.tolist() == [list(range(12)), list(range(12, 24))]
    assert Flatten().outputs(TensorSpec(("N", 3, 2, 2), "uint8", "NCHW")) == TensorSpec(("N", 12), "uint8", "NC")
    with pytest.raises(ValueError, match="symbolic"):
        Flatten().outputs(TensorSpec(("N", "T", 2)))


def test_add() -> None:
    run = run_layer(Add(), np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]]), np.array([[100.0, 200.0]]))
    assert run.output.tolist() == [[111, 222]]
    assert [gradient.tolist() for gradient in run.input_gradients if gradient is not None] == [[[1, 1]]] * 3


def test_concat() -> None:
    left, right = np.zeros((2, 1, 2)), np.ones((2, 3, 2))
    cotangent = np.arange(16.0).reshape(2, 4, 2)
    run = run_layer(Concat(), left, right, cotangents=[cotangent])
    assert run.output.shape == (2, 4, 2)
    assert run.output[:, 1:].min() == 1
    assert run.input_gradient.tolist() == cotangent[:, :1].tolist()
    last = Concat(axis=-1).outputs(TensorSpec(("N", "T", 2)), TensorSpec(("N", "T", 3)))
    assert last == TensorSpec(("N", "T", 5))


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (Add(), [("N", 3)], "two or more inputs, got 1"),
        (Add(), [("N", 3), ("N", 4)], r"adds inputs of one shape, got float32\[N, 3\] and float32\[N, 4\]"),
        (Concat(), [("N", 3, 2), ("N", 3, 4)], "equal but for axis 1"),
        (Concat(axis=3), [("N", 3), ("N", 3)], "use an axis from 1 to 1"),
        (Concat(axis=-2), [("N", 3), ("N", 3)], "use an axis from 1 to 1"),
        (Concat(), [("N", "T"), ("N", "T")], "size of axis 1, which is 'T'"),
    ],
)
def test_inputs_that_cannot_be_joined(layer: Add | Concat, shapes: list[tuple[object, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer.outputs(*(TensorSpec(shape) for shape in shapes))  # type: ignore[arg-type]


def test_types_never_mix() -> None:
    with pytest.raises(ValueError, match="one type"):
        Add().outputs(TensorSpec(("N", 3)), TensorSpec(("N", 3), "float64"))
    with pytest.raises(ValueError, match="axis 0 is the batch"):
        Concat(axis=0)


def test_dropout_keeps_the_mean_and_scales_the_rest() -> None:
    x = np.ones((200, 100))
    run = run_layer(Dropout(rate=0.25), x, training=True)
    assert set(np.unique(run.output)) == {0.0, 1.0 / 0.75}
    # 20,000 independent draws: the share of zeros has a standard deviation of 0.003.
    assert abs(float(np.mean(run.output == 0)) - 0.25) < 0.012
    assert np.array_equal(run.input_gradient, run.output)


def test_dropout_is_the_identity_in_evaluation_and_at_rate_zero() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(run_layer(Dropout(), x).output, x)
    assert np.array_equal(run_layer(Dropout(rate=0.0), x, training=True).output, x)


def test_dropout_depends_on_the_global_row_and_the_step() -> None:
    x = np.ones((8, 3, 5))
    whole = run_layer(Dropout(), x, training=True, step=4).output
    part = run_layer(Dropout(), x[:3], training=True, step=4, first_row=5).output
    assert np.array_equal(part, whole[5:])
    assert not np.array_equal(whole, run_layer(Dropout(), x, training=True, step=5).output)
    assert not np.array_equal(whole, run_layer(Dropout(), x, training=True, step=4, key=(3, 2)).output)


@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan])
def test_dropout_refuses_a_rate_that_leaves_nothing(rate: float) -> None:
    with pytest.raises(ValueError, match="from 0 to below 1"):
        Dropout(rate=rate)
