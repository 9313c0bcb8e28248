"""Normalisation inside each row, by hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from akid_core.layers import GroupNorm, L2Normalize, LayerNorm, RMSNorm
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.run_layer import run_layer

IMAGE = TensorSpec(("N", 4, 5, 6), "float32", "NCHW")


def test_layer_norm_by_hand() -> None:
    # Mean 2 and variance 1 in each row, and epsilon 3 makes the divisor 2.
    run = run_layer(
        LayerNorm(epsilon=3.0),
        np.array([[1.0, 3.0], [3.0, 1.0]]),
        params={"scale": np.array([2.0, 4.0]), "shift": np.array([10.0, 20.0])},
        cotangents=[np.array([[1.0, 0.0], [0.0, 1.0]])],
    )
    assert run.output.tolist() == [[9.0, 22.0], [11.0, 18.0]]
    assert run.param_gradients["scale"].tolist() == [-0.5, -0.5]
    assert run.param_gradients["shift"].tolist() == [1.0, 1.0]
    # factor * (dz - mean(dz) - z * mean(dz * z)) with factor 1/2, z = -1/2, 1/2 and dz = 2, 0 or 0, 4.
    np.testing.assert_allclose(run.input_gradient, [[3 / 8, -3 / 8], [-3 / 4, 3 / 4]], rtol=1e-14)


def test_layer_norm_along_other_axes() -> None:
    x = np.random.default_rng(0).normal(3.0, 2.0, (2, 3, 4, 5))
    for axis, axes in ((1, (1,)), ((1, 2, 3), (1, 2, 3)), ((-1, 1), (1, 3))):
        out = run_layer(LayerNorm(axis=axis, scale=False, shift=False), x).output
        np.testing.assert_allclose(out.mean(axis=axes), 0, atol=1e-12)
        np.testing.assert_allclose(out.std(axis=axes), 1, atol=1e-4)


def test_parameters_have_the_sizes_and_the_letters_of_the_axes() -> None:
    scale, shift = LayerNorm(axis=(-1, 1)).params(IMAGE)
    assert (scale.name, scale.shape, scale.axes, shift.name) == ("scale", (4, 6), "CW", "shift")
    assert [param.shape for param in LayerNorm().params(TensorSpec(("N", "T", 7)))] == [(7,), (7,)]
    assert [param.name for param in LayerNorm(shift=False).params(IMAGE)] == ["scale"]
    assert [param.name for param in GroupNorm(groups=2, scale=False).params(IMAGE)] == ["shift"]
    assert LayerNorm(axis=2, scale=False, shift=False).params(TensorSpec(("N", 3, "T"))) == ()
    assert RMSNorm(scale=False).params(IMAGE) == L2Normalize().params(IMAGE) == ()


def test_a_constant_row_gives_the_shift() -> None:
    params = {"scale": np.array([3.0, 3.0]), "shift": np.array([1.0, 2.0])}
    run = run_layer(LayerNorm(), np.array([[5.0, 5.0]]), params=params)
    assert run.output.tolist() == [[1.0, 2.0]]
    assert np.isfinite(run.input_gradient).all()


def test_a_large_mean_does_not_eat_the_variance() -> None:
    x = np.array([[1e4, 1e4 + 1]], np.float32)
    np.testing.assert_allclose(run_layer(LayerNorm(), x).output, [[-1, 1]], atol=1e-4)


def test_group_norm_groups_consecutive_channels_with_space() -> None:
    x = np.array([[[1.0, 1.0], [3.0, 3.0], [0.0, 4.0], [0.0, 4.0]]])
    plain = {"scale": np.ones(4), "shift": np.arange(4.0)}
    # Channels 0 and 1: mean 2, variance 1. Channels 2 and 3: mean 2, variance 4.
    out = run_layer(GroupNorm(groups=2, epsilon=1e-12), x, params=plain).output
    np.testing.assert_allclose(out, [[[-1, -1], [2, 2], [1, 3], [2, 4]]], rtol=1e-9)


def test_one_group_is_layer_norm_and_as_many_as_channels_instance_norm() -> None:
    x = np.random.default_rng(1).normal(size=(3, 4, 5, 6))
    whole = run_layer(LayerNorm(axis=(1, 2, 3), scale=False, shift=False), x).output
    each = run_layer(LayerNorm(axis=(2, 3), scale=False, shift=False), x).output
    for groups, expected in ((1, whole), (4, each)):
        out = run_layer(GroupNorm(groups=groups, scale=False, shift=False), x).output
        np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-12)


def test_rms_norm_by_hand() -> None:
    # The mean of squares is 25 / 2; epsilon 23.5 makes the divisor 6.
    run = run_layer(RMSNorm(epsilon=23.5), np.array([[3.0, 4.0]]), params={"scale": np.array([2.0, 6.0])})
    np.testing.assert_allclose(run.output, [[1.0, 4.0]], rtol=1e-14)
    np.testing.assert_allclose(run.param_gradients["scale"], [1 / 2, 2 / 3], rtol=1e-14)


def test_l2_normalize() -> None:
    root = 1 / math.sqrt(2)
    out = run_layer(L2Normalize(), np.array([[1.0, 1.0], [2.0, 2.0]])).output
    np.testing.assert_allclose(out, [[root, root], [root, root]], rtol=1e-14)
    run = run_layer(
        L2Normalize(axis=1), np.array([[[3.0, 0.0], [4.0, 1.0]]]), cotangents=[np.array([[[1.0, 0], [0, 0]]])]
    )
    np.testing.assert_allclose(run.output, [[[0.6, 0.0], [0.8, 1.0]]], rtol=1e-14)
    # d (a / r) / d (a, b) = (b * b, -a * b) / r^3 for the vector (a, b) of length r.
    np.testing.assert_allclose(run.input_gradient, [[[16 / 125, 0.0], [-12 / 125, 0.0]]], atol=1e-15)


def test_a_zero_vector_stays_zero_and_has_a_finite_gradient() -> None:
    run = run_layer(L2Normalize(epsilon=1e-4), np.array([[0.0, 0.0], [0.003, 0.004]]))
    np.testing.assert_allclose(run.output, [[0.0, 0.0], [0.3, 0.4]], rtol=1e-14)
    np.testing.assert_allclose(run.input_gradient, np.full((2, 2), 100.0), rtol=1e-14)
    for layer in (RMSNorm(), LayerNorm(), GroupNorm(groups=1)):
        zero = run_layer(layer, np.zeros((1, 2), np.float32))
        assert np.isfinite(zero.output).all()
        assert np.isfinite(zero.input_gradient).all()


@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm(), GroupNorm(groups=1), L2Normalize()])
def test_sums_of_half_precision_are_single(layer: Layer) -> None:
    x = np.full((1, 4096), 300.0, np.float16)
    x[:, ::2] *= -1  # squares of 300 overflow in float16, and so do their sums
    out = run_layer(layer, x).output
    assert out.dtype == np.float16
    size = 1 / 64 if isinstance(layer, L2Normalize) else 1.0
    np.testing.assert_allclose(np.abs(out.astype(float)), size, rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNorm(axis=0), "axis 0 is the batch"),
        (lambda: LayerNorm(axis=()), "axis takes one axis or several, got none"),
        (lambda: RMSNorm(axis=(1, 0)), "axis 0 is the batch"),
        (
            lambda: LayerNorm(axis=(1, -3)).outputs(IMAGE),
            r"takes each axis once, got \(1, -3\) of float32\[N, 4, 5, 6\]",
        ),
        (lambda: L2Normalize(axis=(1, 4)).outputs(IMAGE), r"cannot act along axis 4 .* use an axis from 1 to 3"),
        (lambda: RMSNorm(epsilon=0.0), "epsilon must be above 0, such as 1e-05, got 0.0"),
        (lambda: L2Normalize(epsilon=math.nan), "epsilon must be above 0"),
        (lambda: GroupNorm(groups=0), "groups must be at least 1, got 0"),
        (lambda: GroupNorm(groups=3).outputs(IMAGE), "4 channels do not fall into 3 equal groups: change groups"),
        (lambda: GroupNorm(groups=1).outputs(TensorSpec(("N",))), r"needs \(batch, channels, \.\.\.\)"),
        (lambda: LayerNorm().outputs(TensorSpec(("N", 3), "int64")), "needs floating numbers"),
        (lambda: LayerNorm().params(TensorSpec(("N", "T"))), "needs to know the size of axis 1, which is 'T'"),
    ],
)
def test_refusals(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
