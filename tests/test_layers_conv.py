"""Convolution and padding, by hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.layers import Conv2d
from akid_core.layers.windows import Windows, same
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import run_layer

SQUARE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
LARGE = np.arange(1.0, 17.0).reshape(1, 1, 4, 4)


def conv(x: np.ndarray, weight: object, **settings: object) -> np.ndarray:
    """The output of a convolution without bias; the kernel's size is the weight's."""
    weight = np.asarray(weight, float)
    layer = Conv2d(channels=len(weight), kernel=weight.shape[2:], bias=False, **settings)
    return run_layer(layer, x, params={"weight": weight}).output


def test_valid_convolution_sums_over_channels_and_adds_the_bias() -> None:
    x = np.stack([np.ones((3, 3)), np.full((3, 3), 2.0)])[None]
    run = run_layer(Conv2d(channels=1, kernel=3), x, params={"weight": x, "bias": np.ones(1)})
    assert run.output.tolist() == [[[[46.0]]]]  # 9 * 1 * 1 + 9 * 2 * 2 + 1


def test_gradient_of_the_image_is_the_overlap_of_the_filters() -> None:
    filters = np.stack([np.ones((3, 3)), np.full((3, 3), 2.0)])[None]
    cotangent = np.array([[[[1.0, 0.0], [0.0, 2.0]]]])
    run = run_layer(
        Conv2d(channels=1, kernel=3), np.zeros((1, 2, 4, 4)), params={"weight": filters}, cotangents=[cotangent]
    )
    overlap = [[1, 1, 1, 0], [1, 3, 3, 2], [1, 3, 3, 2], [0, 2, 2, 2]]
    assert run.input_gradient[0, 0].tolist() == overlap
    assert run.input_gradient[0, 1].tolist() == (2 * np.array(overlap)).tolist()
    assert run.param_gradients["bias"].tolist() == [3.0]


def test_filter_is_not_flipped() -> None:
    assert conv(SQUARE, [[[[1, 10], [100, 1000]]]])[0, 0, 0, 0] == 1 + 20 + 400 + 5000


def test_same_with_an_even_kernel_pads_at_the_end() -> None:
    out = conv(SQUARE, np.ones((1, 1, 2, 2)), padding="same")
    assert out[0, 0].tolist() == [[12, 16, 9], [24, 28, 15], [15, 17, 9]]


def test_same_with_a_stride_pads_at_the_end() -> None:
    out = conv(LARGE, np.ones((1, 1, 3, 3)), padding="same", stride=2)
    assert out[0, 0].tolist() == [[54, 45], [72, 54]]


def test_explicit_padding_of_each_side() -> None:
    out = conv(SQUARE, np.ones((1, 1, 3, 3)), padding=((1, 0), (0, 2)))
    assert out[0, 0].tolist() == [[21, 16, 9], [45, 33, 18]]


def test_padding_of_a_pair_is_vertical_then_horizontal() -> None:
    out = conv(SQUARE, np.ones((1, 1, 3, 3)), padding=(1, 0))
    assert out[0, 0].tolist() == [[21], [45], [39]]


def test_stride_of_a_pair_is_vertical_then_horizontal() -> None:
    assert conv(LARGE, [[[[1]]]], stride=(3, 2))[0, 0].tolist() == [[1, 3], [13, 15]]


def test_dilation_spreads_the_kernel() -> None:
    row = np.arange(1.0, 7.0).reshape(1, 1, 1, 6)
    assert conv(row, [[[[1, 10, 100]]]], dilation=(1, 2)).ravel().tolist() == [531, 642]


def test_groups_do_not_see_each_other() -> None:
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 4, 1, 1)
    weight = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], float).reshape(4, 2, 1, 1)
    assert conv(x, weight, groups=2).ravel().tolist() == [21, 43, 6500, 8700]


@pytest.mark.parametrize(
    ("size", "reach", "stride", "widths"),
    [
        (5, 3, 1, (1, 1)),
        (5, 3, 2, (1, 1)),
        (6, 3, 2, (0, 1)),
        (7, 2, 2, (0, 1)),
        (5, 4, 1, (1, 2)),
        (14, 5, 2, (1, 2)),
        (4, 1, 3, (0, 0)),
        (5, 2, 4, (0, 1)),
        (8, 5, 1, (2, 2)),
    ],
)
def test_same_widths(size: int, reach: int, stride: int, widths: tuple[int, int]) -> None:
    assert same(size, reach, stride) == widths


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("stride", range(1, 4))
@pytest.mark.parametrize("kernel", range(1, 6))
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_gives_one_window_for_each_stride_begun(size: int, stride: int, kernel: int, dilation: int) -> None:
    image = TensorSpec(("N", 1, size, size))
    windows = Windows.over(image, kernel, stride, "same", dilation)
    assert windows.out == (-(-size // stride),) * 2


def test_specs_state_shapes_fans_and_axes() -> None:
    layer = Conv2d(channels=6, kernel=(3, 5), groups=2)
    x = TensorSpec(("N", 4, 9, 9), axes="NCHW")
    weight, bias = layer.params(x)
    assert layer.outputs(x) == TensorSpec(("N", 6, 7, 5), axes="NCHW")
    assert (weight.shape, weight.axes, weight.fan_in, weight.fan_out) == ((6, 2, 3, 5), "OIHW", 30, 45)
    assert (bias.name, bias.shape) == ("bias", (6,))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": 0}, r"kernel takes one number or \(vertical, horizontal\), whole and at least 1, got 0"),
        ({"kernel": (3, 3, 3)}, r"kernel takes one number or \(vertical, horizontal\)"),
        ({"kernel": 2.5}, "kernel takes"),
        ({"kernel": True}, "kernel takes"),
        ({"stride": (1, 0)}, "stride takes"),
        ({"padding": "sane"}, "padding must be 'same', 'valid' or numbers, got 'sane'"),
        ({"padding": -1}, r"padding takes one number or \(vertical, horizontal\) or \(\(top, bottom\), \(left, right\)\), whole"),
        ({"padding": ((0, 1), (1, 2), (3, 4))}, "padding takes"),
        ({"channels": 4, "groups": 3}, "channels must be a positive multiple of groups"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Conv2d(**{"channels": 4, "kernel": 3, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (TensorSpec(("N", 3, 2, 9)), "covers 3x3, more than the image of 2x9"),
        (TensorSpec(("N", 3)), r"needs images \(batch, channels, height, width\)"),
        (TensorSpec(("N", 3, 9, 9), "uint8"), "needs floating numbers, got uint8"),
        (TensorSpec(("N", 3, "T", 9)), "symbolic"),
    ],
)
def test_inputs_that_do_not_fit(x: TensorSpec, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Conv2d(channels=4, kernel=3).outputs(x)


def test_lists_from_a_file_equal_tuples() -> None:
    read = Conv2d(channels=1, kernel=[3, 3], padding=[[1, 0], [0, 1]])  # type: ignore[arg-type]
    assert read == Conv2d(channels=1, kernel=(3, 3), padding=((1, 0), (0, 1)))
    assert hash(read) == hash(Conv2d(channels=1, kernel=(3, 3), padding=((1, 0), (0, 1))))
