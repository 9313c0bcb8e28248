"""Batch normalisation, by hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from akid_core.layers import BatchNorm
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import run_layer

ROOT = 1.0 / math.sqrt(1.0 + 1e-5)


def test_two_rows_by_hand() -> None:
    run = run_layer(
        BatchNorm(),
        np.array([[1.0], [3.0]]),
        params={"scale": np.array([5.0]), "shift": np.array([7.0])},
        training=True,
        cotangents=[np.array([[1.0], [0.0]])],
    )
    # Mean 2, biased variance 1, unbiased variance 2.
    np.testing.assert_allclose(run.output, [[7 - 5 * ROOT], [7 + 5 * ROOT]], rtol=1e-14)
    np.testing.assert_allclose(run.updates["mean"], [0.9 * 0 + 0.1 * 2], rtol=1e-14)
    np.testing.assert_allclose(run.updates["variance"], [0.9 * 1 + 0.1 * 2], rtol=1e-14)
    np.testing.assert_allclose(run.param_gradients["scale"], [-ROOT], rtol=1e-14)
    np.testing.assert_allclose(run.param_gradients["shift"], [1], rtol=1e-14)
    # d out1 / d x1 = scale * root * (1 - 1/n - z1 * z1 / n), with z1 * z1 = root^2 and n = 2.
    np.testing.assert_allclose(run.input_gradient[0], [5 * ROOT * (0.5 - ROOT**2 / 2)], rtol=1e-9)


@pytest.mark.parametrize("shape", [(50, 3), (20, 3, 4), (10, 3, 4, 5)])
def test_output_has_mean_shift_and_deviation_scale(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(3.0, 7.0, shape)
    scale, shift = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.0, -1.0])
    out = run_layer(BatchNorm(), x, params={"scale": scale, "shift": shift}, training=True).output
    axes = (0, *range(2, len(shape)))
    np.testing.assert_allclose(out.mean(axis=axes), shift, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=axes), scale, atol=1e-4)


def test_evaluation_uses_the_running_statistics_and_leaves_them() -> None:
    run = run_layer(
        BatchNorm(epsilon=0.75),
        np.array([[1.0], [3.0]]),
        params={"mean": np.array([2.0]), "variance": np.array([3.25])},
    )
    assert run.output.tolist() == [[-0.5], [0.5]]
    assert run.updates == {}


def test_a_single_value_gives_no_nan() -> None:
    run = run_layer(BatchNorm(), np.array([[5.0]]), training=True)
    assert run.output.tolist() == [[0.0]]
    np.testing.assert_allclose(run.updates["mean"], [0.5], rtol=1e-14)
    np.testing.assert_allclose(run.updates["variance"], [0.9], rtol=1e-14)


def test_decay_is_the_share_that_stays() -> None:
    x = np.array([[1.0], [3.0]])
    assert run_layer(BatchNorm(decay=1.0), x, training=True).updates["mean"].tolist() == [0.0]
    assert run_layer(BatchNorm(decay=0.0), x, training=True).updates["variance"].tolist() == [2.0]


def test_without_scale_and_shift() -> None:
    layer, x = BatchNorm(scale=False, shift=False), TensorSpec(("N", 3, 4, 4))
    assert [(param.name, param.role) for param in layer.params(x)] == [("mean", "state"), ("variance", "state")]
    out = run_layer(layer, np.array([[1.0], [3.0]]), training=True).output
    np.testing.assert_allclose(out, [[-ROOT], [ROOT]], rtol=1e-14)


def test_statistics_of_half_precision_are_single() -> None:
    x = np.full((64, 2, 8, 8), 300.0, np.float16)
    x[::2] += 1  # sums of 4,096 values of 300 overflow in float16
    run = run_layer(BatchNorm(), x, training=True)
    assert run.output.dtype == np.float16
    assert {value.dtype for value in run.updates.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(run.updates["mean"], [30.05, 30.05], rtol=1e-6)
    np.testing.assert_allclose(np.abs(run.output.astype(float)), 1.0, atol=1e-3)


def test_a_large_mean_does_not_eat_the_variance() -> None:
    x = np.array([[1e4], [1e4 + 1]], np.float32)
    np.testing.assert_allclose(run_layer(BatchNorm(), x, training=True).output, [[-1], [1]], atol=1e-4)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="decay is how much"):
        BatchNorm(decay=1.1)
    with pytest.raises(ValueError, match="epsilon must be above 0"):
        BatchNorm(epsilon=0.0)
    with pytest.raises(ValueError, match="needs floating numbers"):
        BatchNorm().outputs(TensorSpec(("N", 3), "int32"))
    with pytest.raises(ValueError, match=r"needs \(batch, channels, \.\.\.\)"):
        BatchNorm().outputs(TensorSpec(("N",)))
