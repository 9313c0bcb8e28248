"""Pooling, by hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d, ReLU
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


def test_settings_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="padding must be less than the kernel 2"):
        MaxPool2d(kernel=2, padding=2)
    with pytest.raises(ValueError, match="stride takes"):
        AvgPool2d(kernel=2, stride=0)
    with pytest.raises(ValueError, match="covers 4x4, more than the image of 3x3"):
        MaxPool2d(kernel=4).outputs(TensorSpec(("N", 1, 3, 3)))
    with pytest.raises(ValueError, match="needs floating numbers"):
        AvgPool2d(kernel=2).outputs(TensorSpec(("N", 1, 3, 3), "int64"))
