"""Pooling, by hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.layers import (
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    MaxPool1d,
    MaxPool2d,
    ReLU,
)
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import run_layer

SQUARE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)


def test_max_pool_then_relu_and_back() -> None:
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]], [[-5.0, -6.0], [-7.0, -8.0]]]])
    pooled = run_layer(MaxPool2d(kernel=2), x)
    assert pooled.output.ravel().tolist() == [4, -5]
    relu = run_layer(ReLU(), pooled.output, cotangents=[np.array([4.0, 0.0]).reshape(1, 2, 1, 1)])
    assert relu.output.ravel().tolist() == [4, 0]
    back = run_layer(MaxPool2d(kernel=2), x, cotangents=[relu.input_gradient]).input_gradient
    assert back.tolist() == [[[[0, 0], [0, 4]], [[0, 0], [0, 0]]]]


def test_max_pool_gives_the_gradient_to_the_first_maximum() -> None:
    x = np.array([[[[1.0, 7.0, 7.0], [7.0, 2.0, 3.0]]]])
    run = run_layer(MaxPool2d(kernel=2, stride=1), x, cotangents=[np.array([[[[10.0, 1.0]]]])])
    assert run.output.ravel().tolist() == [7, 7]
    assert run.input_gradient[0, 0].tolist() == [[0, 11, 0], [0, 0, 0]]


def test_padding_never_is_the_maximum() -> None:
    assert run_layer(MaxPool2d(kernel=2, padding="same"), -SQUARE).output[0, 0].tolist() == [[-1, -3], [-7, -9]]


def test_average_does_not_count_padding() -> None:
    same = run_layer(AvgPool2d(kernel=2, padding="same"), SQUARE, cotangents=[np.full((1, 1, 2, 2), 4.0)])
    assert same.output[0, 0].tolist() == [[3, 4.5], [7.5, 9]]
    assert same.input_gradient[0, 0].tolist() == [[1, 1, 2], [1, 1, 2], [2, 2, 4]]
    around = run_layer(AvgPool2d(kernel=3, stride=2, padding=1), SQUARE)
    assert around.output[0, 0].tolist() == [[3, 4], [6, 7]]


def test_same_pooling_of_14_by_5_with_stride_2_gives_7() -> None:
    x = TensorSpec(("N", 3, 14, 14))
    assert MaxPool2d(kernel=5, stride=2, padding="same").outputs(x).shape == ("N", 3, 7, 7)


def test_stride_defaults_to_the_kernel_and_the_rest_is_left_out() -> None:
    x = TensorSpec(("N", 3, 8, 9))
    assert MaxPool2d(kernel=(2, 4)).outputs(x).shape == ("N", 3, 4, 2)


def test_kernel_and_stride_are_vertical_then_horizontal() -> None:
    run = run_layer(AvgPool2d(kernel=(1, 2), stride=(2, 1)), SQUARE)
    assert run.output[0, 0].tolist() == [[1.5, 2.5], [7.5, 8.5]]


def test_global_average() -> None:
    x = np.concatenate([SQUARE, 2 * SQUARE], axis=1)
    run = run_layer(GlobalAvgPool2d(), x, cotangents=[np.array([[9.0, 18.0]])])
    assert run.output.tolist() == [[5, 10]]
    assert run.input_gradient[0, 1].tolist() == [[2, 2, 2]] * 3
    assert GlobalAvgPool2d().outputs(TensorSpec(("N", 2, 3, 3), axes="NCHW")) == TensorSpec(("N", 2), axes="NC")


def test_global_maximum_gives_the_gradient_to_the_first() -> None:
    x = np.array([[[[1.0, 4.0], [4.0, 2.0]], [[-3.0, -1.0], [-2.0, -1.0]]]])
    run = run_layer(GlobalMaxPool2d(), x, cotangents=[np.array([[5.0, 7.0]])])
    assert run.output.tolist() == [[4, -1]]
    assert run.input_gradient.tolist() == [[[[0, 5], [0, 0]], [[0, 7], [0, 0]]]]
    assert GlobalMaxPool2d().outputs(TensorSpec(("N", 2, 3, 3), axes="NCHW")) == TensorSpec(("N", 2), axes="NC")


def test_sequences() -> None:
    x = np.array([[[3.0, 1.0, 1.0, 5.0, 2.0]]])
    largest = run_layer(MaxPool1d(kernel=2, stride=1), x, cotangents=[np.array([[[1.0, 10.0, 100.0, 1000.0]]])])
    assert largest.output.ravel().tolist() == [3, 1, 5, 5]
    assert largest.input_gradient.ravel().tolist() == [1, 10, 0, 1100, 0]
    assert run_layer(MaxPool1d(kernel=3, padding=(2, 1)), -x).output.ravel().tolist() == [-3, -1]
    assert run_layer(AvgPool1d(kernel=3, stride=2, padding="same"), x).output.ravel().tolist() == [2, 7 / 3, 3.5]
    assert run_layer(GlobalAvgPool1d(), x).output.tolist() == [[2.4]]
    assert run_layer(GlobalMaxPool1d(), x).output.tolist() == [[5]]
    assert AvgPool1d(kernel=2).outputs(TensorSpec(("N", 3, 9))) == TensorSpec(("N", 3, 4), axes="NCL")


@pytest.mark.parametrize(
    "pool", [MaxPool2d(kernel=3, stride=2, padding="same"), GlobalMaxPool2d(), AvgPool2d(kernel=2)]
)
def test_a_batch_without_rows(pool: object) -> None:
    run = run_layer(pool, np.zeros((0, 2, 5, 5)))
    assert run.output.shape[:2] == (0, 2)
    assert run.input_gradient.shape == (0, 2, 5, 5)


def test_settings_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="padding must be less than the kernel 2"):
        MaxPool2d(kernel=2, padding=2)
    with pytest.raises(ValueError, match="stride takes"):
        AvgPool2d(kernel=2, stride=0)
    with pytest.raises(ValueError, match="covers 4x4, more than the image of 3x3"):
        MaxPool2d(kernel=4).outputs(TensorSpec(("N", 1, 3, 3)))
    with pytest.raises(ValueError, match="covers 4, more than the sequence of 3"):
        MaxPool1d(kernel=4).outputs(TensorSpec(("N", 1, 3)))
    with pytest.raises(ValueError, match="kernel takes one number, whole and at least 1, got"):
        AvgPool1d(kernel=(2, 2))
    with pytest.raises(ValueError, match=r"needs sequences \(batch, channels, length\)"):
        GlobalAvgPool1d().outputs(TensorSpec(("N", 1, 3, 3)))
    with pytest.raises(ValueError, match="needs floating numbers"):
        AvgPool2d(kernel=2).outputs(TensorSpec(("N", 1, 3, 3), "int64"))
