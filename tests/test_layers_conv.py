"""Convolution and padding, by hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.layers import Conv1d, Conv2d, ConvTranspose2d
from akid_core.layers.windows import Windows, same
from akid_core.specs import TensorSpec
from akid_core.testing.run_layer import initial_params, run_layer

SQUARE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
LARGE = np.arange(1.0, 17.0).reshape(1, 1, 4, 4)


def conv(x: np.ndarray, weight: object, **settings: object) -> np.ndarray:
    """The output of a convolution without bias; the kernel's size is the weight's."""
    weight = np.asarray(weight, float)
    layer = Conv2d(channels=len(weight), kernel=weight.shape[2:], bias=False, **settings)
    return run_layer(layer, x, params={"weight": weight}).output


def row(**settings: object) -> list[float]:
    """What the filter (1, 10, 100) makes of the sequence 1 to 5."""
    layer = Conv1d(channels=1, kernel=3, bias=False, **settings)
    run = run_layer(layer, np.arange(1.0, 6.0).reshape(1, 1, 5), params={"weight": np.array([[[1.0, 10.0, 100.0]]])})
    return run.output.ravel().tolist()


def enlarged(**settings: object) -> list[float]:
    """What the filter (1, 10, 100) makes of the row (1, 2) in a transposed convolution."""
    layer = ConvTranspose2d(channels=1, kernel=(1, 3), bias=False, **settings)
    run = run_layer(layer, np.array([[[[1.0, 2.0]]]]), params={"weight": np.array([[[[1.0, 10.0, 100.0]]]])})
    return run.output.ravel().tolist()


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


def test_sequences() -> None:
    assert row() == [321, 432, 543]
    assert row(stride=2, padding="same") == [210, 432, 54]
    assert row(dilation=2, padding=(2, 0)) == [310, 420, 531]
    assert row(padding=1) == [210, 321, 432, 543, 54]
    x = TensorSpec(("N", 4, 9), axes="NCL")
    weight, _ = Conv1d(channels=6, kernel=3, groups=2).params(x)
    assert (weight.shape, weight.axes, weight.fan_in, weight.fan_out) == ((6, 2, 3), "OIL", 6, 9)
    assert Conv1d(channels=6, kernel=3).outputs(x) == TensorSpec(("N", 6, 7), axes="NCL")


def test_transposed_convolution_adds_up_scaled_filters() -> None:
    assert enlarged() == [1, 12, 120, 200]
    assert enlarged(stride=(1, 2)) == [1, 10, 102, 20, 200]
    assert enlarged(stride=(1, 2), dilation=(1, 2)) == [1, 0, 12, 0, 120, 0, 200]


def test_padding_is_cut_off_what_a_transposed_convolution_gives() -> None:
    assert enlarged(stride=(1, 2), padding=((0, 0), (1, 0))) == [10, 102, 20, 200]
    assert enlarged(stride=(1, 2), padding=(0, 2)) == [102]
    with pytest.raises(ValueError, match=r"padding \(0, 3\) takes away the whole image"):
        enlarged(stride=(1, 2), padding=(0, 3))


def test_same_multiplies_the_size_by_the_stride() -> None:
    assert enlarged(padding="same") == [12, 120]
    assert enlarged(stride=(1, 2), padding="same") == [1, 10, 102, 20]
    assert enlarged(stride=(1, 4), padding="same") == [1, 10, 100, 0, 2, 20, 200, 0]


@pytest.mark.parametrize("padding", ["same", "valid", 1, ((0, 2), (1, 0))])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), ((2, 4), (1, 3), (2, 1)), (2, (3, 4), 1)])
def test_transposed_convolution_is_the_gradient_of_a_convolution(
    padding: object, kernel: object, stride: object, dilation: object
) -> None:
    random = np.random.default_rng(0)
    settings = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "groups": 2}
    x, there = random.normal(size=(2, 4, 3, 2)), ConvTranspose2d(channels=6, bias=False, **settings)
    weight = initial_params(there, x)["weight"]
    run = run_layer(there, x, params={"weight": weight})

    exchanged = np.concatenate([part.swapaxes(0, 1) for part in np.split(weight, 2)])
    back = Conv2d(channels=4, bias=False, **settings)
    image = np.zeros((2, *run.output.shape[1:]))
    np.testing.assert_allclose(
        run.output, run_layer(back, image, params={"weight": exchanged}, cotangents=[x]).input_gradient, atol=1e-12
    )
    larger = image.shape[2] + 1, image.shape[3] + 1
    assert padding != "same" or back.outputs(TensorSpec(("N", 6, *larger))).shape[2:] == (4, 3)


def test_transposed_convolution_states_how_many_values_meet() -> None:
    x = TensorSpec(("N", 4, 5, 5), axes="NCHW")
    layer = ConvTranspose2d(channels=6, kernel=(4, 3), stride=2, groups=2)
    weight, bias = layer.params(x)
    assert layer.outputs(x) == TensorSpec(("N", 6, 12, 11), axes="NCHW")
    assert (weight.shape, weight.axes) == ((6, 2, 4, 3), "OIHW")
    assert (weight.fan_in, weight.fan_out) == (2 * 2 * 2, 3 * 4 * 3)  # every second place of the kernel meets an input
    assert bias.shape == (6,)
    dilated = ConvTranspose2d(channels=6, kernel=3, stride=(4, 3), dilation=2).params(x)[0]
    assert dilated.fan_in == 4 * 2 * 1  # vertically places 0 and 2 of the kernel fall on the same outputs


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
        (
            {"padding": -1},
            r"padding takes one number or \(vertical, horizontal\) or \(\(top, bottom\), \(left, right\)\), whole",
        ),
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
        (TensorSpec(("N", 3, 9)), r"needs images \(batch, channels, height, width\)"),
        (
            TensorSpec(("N", 3, 9, 9), "uint8"),
            "needs floating numbers, got uint8.* end sensors.augment with rescale or normalize",
        ),
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
