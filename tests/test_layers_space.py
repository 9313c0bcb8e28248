"""Padding, upsampling, local response normalisation and dropout of channels, by hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.layers import LRN, Dropout, Pad, PadChannels, SpatialDropout, Upsample
from akid_core.specs import Layer, TensorSpec
from akid_core.testing.run_layer import run_layer

PAIR = np.array([[[1.0, 2.0]]])


def test_padding_of_all_sides() -> None:
    run = run_layer(Pad(widths=1, value=7.0), np.ones((1, 1, 2, 1)), cotangents=[np.arange(12.0).reshape(1, 1, 4, 3)])
    assert run.output[0, 0].tolist() == [[7, 7, 7], [7, 1, 7], [7, 1, 7], [7, 7, 7]]
    assert run.input_gradient[0, 0].tolist() == [[4], [7]]


def test_padding_by_side() -> None:
    x = np.ones((1, 1, 1, 1))
    assert run_layer(Pad(widths=(1, 0)), x).output[0, 0].tolist() == [[0], [1], [0]]
    assert run_layer(Pad(widths=((0, 1), (2, 0))), x).output[0, 0].tolist() == [[0, 0, 1], [0, 0, 0]]
    assert run_layer(Pad(widths=(1, 2)), PAIR).output[0, 0].tolist() == [0, 1, 2, 0, 0]
    assert Pad(widths=(1, (0, 2), 3)).outputs(TensorSpec(("N", 1, 2, 2, 2), axes="NCDHW")).row == (1, 4, 4, 8)


def test_padding_takes_lists_from_a_file() -> None:
    assert Pad(widths=[[1, 0], [0, 2]]) == Pad(widths=((1, 0), (0, 2)))  # type: ignore[arg-type]
    assert hash(Pad(widths=[1, 2])) == hash(Pad(widths=(1, 2)))  # type: ignore[arg-type]


def test_padding_with_channels() -> None:
    x = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    run = run_layer(PadChannels(before=1, after=2, value=9.0), x, cotangents=[np.arange(16.0).reshape(2, 4, 2)])
    assert run.output.tolist() == [[[9, 9], [1, 2], [9, 9], [9, 9]], [[9, 9], [3, 4], [9, 9], [9, 9]]]
    assert run.input_gradient.tolist() == [[[2, 3]], [[10, 11]]]
    with pytest.raises(ValueError, match="numbers of channels of at least 0, got 0 and -1"):
        PadChannels(after=-1)
    with pytest.raises(ValueError, match=r"needs \(batch, channels"):
        PadChannels().outputs(TensorSpec(("N",)))


def test_nearest_repeats() -> None:
    run = run_layer(Upsample(factor=3), PAIR, cotangents=[np.array([[[1.0, 2, 3, 40, 50, 60]]])])
    assert run.output[0, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert run.input_gradient[0, 0].tolist() == [6, 150]
    out = run_layer(Upsample(factor=(1, 2)), np.array([[[[1.0], [2.0]]]])).output
    assert out[0, 0].tolist() == [[1, 1], [2, 2]]


def test_straight_lines_between_centres() -> None:
    two = run_layer(Upsample(method="bilinear"), np.array([[[0.0, 4.0]]]), cotangents=[np.ones((1, 1, 4))])
    assert two.output[0, 0].tolist() == [0, 1, 3, 4]
    assert two.input_gradient[0, 0].tolist() == [2, 2]
    three = run_layer(Upsample(factor=3, method="bilinear"), np.array([[[0.0, 3.0]]])).output
    np.testing.assert_allclose(three[0, 0], [0, 0, 1, 2, 3, 3], atol=1e-15)
    image = np.array([[[[0.0, 4.0], [8.0, 12.0]]]])
    corner = run_layer(Upsample(method="bilinear"), image).output[0, 0]
    assert corner.tolist() == [[0, 1, 3, 4], [2, 3, 5, 6], [6, 7, 9, 10], [8, 9, 11, 12]]


def test_a_single_value_stays() -> None:
    out = run_layer(Upsample(factor=4, method="bilinear"), np.full((1, 1, 1, 1), 3.0)).output
    assert out.tolist() == np.full((1, 1, 4, 4), 3.0).tolist()


def test_response_is_divided_by_that_of_neighbours() -> None:
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    out = run_layer(LRN(depth_radius=1, alpha=1.0, beta=1.0), x).output
    np.testing.assert_allclose(out.ravel(), [1 / 6, 2 / 15, 3 / 14])
    far = run_layer(LRN(bias=2.0, alpha=1.0, beta=0.5), x).output  # 4 neighbours on each side: all of them
    np.testing.assert_allclose(far.ravel(), np.array([1, 2, 3]) / 4)
    alone = run_layer(LRN(depth_radius=0, alpha=3.0, beta=0.5), x).output
    np.testing.assert_allclose(alone.ravel(), [1 / 2, 2 / 13**0.5, 3 / 28**0.5])


def test_local_response_starts_as_the_original_says() -> None:
    assert LRN() == LRN(depth_radius=4, bias=1.0, alpha=0.001 / 9, beta=0.75)


def test_whole_channels_are_dropped_by_the_mask_of_their_numbers() -> None:
    x = np.arange(1.0, 8 * 16 * 6 + 1).reshape(8, 16, 3, 2)
    run = run_layer(SpatialDropout(rate=0.25), x, training=True, step=3, first_row=40)
    flat = run_layer(Dropout(rate=0.25), np.ones((8, 16)), training=True, step=3, first_row=40)
    np.testing.assert_allclose(run.output, x * flat.output[:, :, None, None])
    assert 0 < np.count_nonzero(flat.output == 0) < 60
    assert run_layer(SpatialDropout(rate=0.25), x).output is x


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (
            Pad(widths=((1, 2), (3, 4))),
            ("N", 1, 5),
            r"widths takes one number or \(left, right\), whole and at least 0",
        ),
        (Pad(widths=(1, 2, 3)), ("N", 1, 5, 5), "widths takes"),
        (Pad(widths=-1), ("N", 1, 5, 5), "widths takes"),
        (Pad(widths=1), ("N", 5), "with at least one axis of space"),
        (Upsample(factor=0), ("N", 1, 5, 5), "factor takes one number or .vertical, horizontal., whole and at least 1"),
        (Upsample(factor=(2, 2)), ("N", 1, 5), "factor takes one number, whole"),
        (Upsample(), ("N", 1, "T", 5), "symbolic"),
        (SpatialDropout(), ("N", 5), "with at least one axis of space"),
        (LRN(), ("N",), r"needs \(batch, channels, ...\)"),
    ],
)
def test_inputs_that_do_not_fit(layer: Layer, x: tuple[int | str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer.outputs(TensorSpec(x))


def test_settings_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="method must be 'nearest' or 'bilinear', got 'cubic'"):
        Upsample(method="cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="depth_radius is a number of channels"):
        LRN(depth_radius=-1)
    with pytest.raises(ValueError, match="bias must be above 0"):
        LRN(bias=0.0)
