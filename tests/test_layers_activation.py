"""Activations, by hand-computed values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from akid_core.layers import GELU, LeakyReLU, PReLU, ReLU6, SiLU, Softmax
from akid_core.optimizers import Adam
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.run_layer import initial_params, run_layer

IMAGE = TensorSpec(("N", 3, 4, 5), "float32", "NCHW")


def test_leaky_relu_has_its_slope_at_zero() -> None:
    run = run_layer(LeakyReLU(negative_slope=0.25), np.array([[-2.0, 0.0, 3.0]]))
    assert run.output.tolist() == [[-0.5, 0.0, 3.0]]
    assert run.input_gradient.tolist() == [[0.25, 0.25, 1.0]]
    assert LeakyReLU().negative_slope == 0.01


def test_relu6_is_flat_where_it_begins_and_ends() -> None:
    run = run_layer(ReLU6(), np.array([[-1.0, 0.0, 2.0, 6.0, 7.0]]))
    assert run.output.tolist() == [[0.0, 0.0, 2.0, 6.0, 6.0]]
    assert run.input_gradient.tolist() == [[0.0, 0.0, 1.0, 0.0, 0.0]]


def test_prelu_has_a_slope_for_each_channel() -> None:
    x = np.array([[[-1.0, 2.0], [-3.0, 0.0]], [[4.0, -5.0], [6.0, -7.0]]])
    run = run_layer(PReLU(), x, params={"slope": np.array([0.5, 2.0])})
    assert run.output.tolist() == [[[-0.5, 2.0], [-6.0, 0.0]], [[4.0, -2.5], [6.0, -14.0]]]
    assert run.input_gradient.tolist() == [[[0.5, 1.0], [2.0, 2.0]], [[1.0, 0.5], [1.0, 2.0]]]
    assert run.param_gradients["slope"].tolist() == [-1.0 - 5.0, -3.0 + 0.0 - 7.0]


def test_prelu_may_share_one_slope() -> None:
    layer, x = PReLU(shared=True), np.array([-4.0, 8.0])
    assert initial_params(layer, x)["slope"].tolist() == [0.25]
    assert not Adam(weight_decay=0.1).decays("prelu/slope")
    run = run_layer(layer, x)
    assert run.output.tolist() == [-1.0, 8.0]
    assert run.param_gradients["slope"].tolist() == [-4.0]
    with pytest.raises(ValueError, match=r"needs \(batch, channels, \.\.\.\), got float32\[N\]: share one slope"):
        PReLU().outputs(TensorSpec(("N",)))


def test_gelu() -> None:
    # Phi(1) = 0.8413447460685429 and phi(1) = 0.24197072451914337, from tables of the normal distribution.
    run = run_layer(GELU(), np.array([[-1.0, 0.0, 1.0]]))
    np.testing.assert_allclose(run.output, [[-(1 - 0.8413447460685429), 0.0, 0.8413447460685429]], rtol=1e-14)
    slopes = [[1 - 0.8413447460685429 - 0.24197072451914337, 0.5, 0.8413447460685429 + 0.24197072451914337]]
    np.testing.assert_allclose(run.input_gradient, slopes, rtol=1e-13)


def test_gelu_approximated() -> None:
    run = run_layer(GELU(approximate="tanh"), np.array([[-1.0, 0.0, 1.0]]))
    inner = math.sqrt(2 / math.pi) * 1.044715
    np.testing.assert_allclose(run.output, [[-(1 - math.tanh(inner)) / 2, 0.0, (1 + math.tanh(inner)) / 2]], rtol=1e-14)
    far = np.linspace(-12, 12, 100001)[None]
    exact, near = run_layer(GELU(), far).output, run_layer(GELU(approximate="tanh"), far).output
    assert 1e-5 < np.abs(exact - near).max() < 1e-3


def test_silu() -> None:
    run = run_layer(SiLU(), np.array([[0.0, 1.0]]))
    share = 1 / (1 + math.exp(-1))
    np.testing.assert_allclose(run.output, [[0.0, share]], rtol=1e-14)
    np.testing.assert_allclose(run.input_gradient, [[0.5, share + share * (1 - share)]], rtol=1e-14)


@pytest.mark.parametrize("layer", [GELU(), GELU(approximate="tanh"), SiLU()])
@pytest.mark.parametrize("size", [50.0, 1e4, 1e30])
def test_far_values_stay_finite(layer: Layer, size: float) -> None:
    with np.errstate(over="ignore", under="ignore"):
        run = run_layer(layer, np.array([[-size, size]], np.float32))
    np.testing.assert_allclose(run.output, np.array([[0.0, size]]), rtol=1e-6, atol=1e-18)
    np.testing.assert_allclose(run.input_gradient, [[0.0, 1.0]], atol=1e-15)


def test_softmax() -> None:
    x = np.log([[[1.0, 2.0], [3.0, 2.0]]])
    np.testing.assert_allclose(run_layer(Softmax(), x).output, [[[1 / 3, 2 / 3], [3 / 5, 2 / 5]]], rtol=1e-14)
    cotangent = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    run = run_layer(Softmax(axis=1), x, cotangents=[cotangent])
    np.testing.assert_allclose(run.output, [[[1 / 4, 1 / 2], [3 / 4, 1 / 2]]], rtol=1e-14)
    # d p1 / d x1 = p1 (1 - p1), d p1 / d x2 = -p1 p2
    np.testing.assert_allclose(run.input_gradient, [[[3 / 16, 0.0], [-3 / 16, 0.0]]], atol=1e-15)


def test_softmax_of_large_values_and_of_half_precision() -> None:
    run = run_layer(Softmax(), np.array([[1e38, -1e38, 1e38]], np.float32))
    np.testing.assert_array_equal(run.output, [[0.5, 0.0, 0.5]])
    # The sum of 4,096 equal numbers leaves float16 below 2^-11 of itself; each share is 2^-12.
    half = run_layer(Softmax(), np.zeros((1, 4096), np.float16)).output
    assert half.dtype == np.float16
    assert set(half.ravel().tolist()) == {2.0**-12}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeakyReLU(negative_slope=math.inf), "negative_slope must be a finite number, got inf"),
        (lambda: GELU(approximate="erf"), "approximate must be 'none' or 'tanh', got 'erf'"),  # type: ignore[arg-type]
        (lambda: Softmax(axis=0), "axis 0 is the batch: use axis 1 or a later one"),
        (
            lambda: Softmax(axis=4).outputs(IMAGE),
            r"cannot act along axis 4 of .*: use an axis from 1 to 3",
        ),
        (lambda: Softmax(axis=-4).outputs(IMAGE), "cannot act along axis -4"),
        (lambda: Softmax().outputs(TensorSpec(("N",))), r"needs rows with at least one axis, got float32\[N\]"),
        (lambda: SiLU().outputs(TensorSpec(("N", 3), "int32")), "needs floating numbers"),
        (lambda: PReLU().params(TensorSpec(("N", "T", 3))), "needs to know the size of axis 1"),
    ],
)
def test_refusals(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
