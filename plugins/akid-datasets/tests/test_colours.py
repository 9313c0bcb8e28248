"""Saturation, hue and grey: by hand, and against the standard library and Pillow."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from akid_core.data import Augmenter, Draws
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.grey import Grey
from akid_datasets.augmenters.hue import Hue
from akid_datasets.augmenters.saturation import Saturation

from .chosen import changed

PIXEL = np.array([100, 50, 200], np.uint8).reshape(1, 3, 1, 1)  # 29.9 + 29.35 + 22.8 = 82.05 bright
NOISE = np.random.default_rng(0).integers(0, 256, (1, 3, 20, 20)).astype(np.uint8)


def pillow(pictures: np.ndarray) -> Image.Image:
    return Image.fromarray(pictures[0].transpose(1, 2, 0))


class TestGrey:
    def test_by_hand(self) -> None:
        assert changed(Grey(chance=0.5), PIXEL, [0.4]).ravel().tolist() == [82, 82, 82]
        assert changed(Grey(chance=0.5), PIXEL, [0.5]).ravel().tolist() == [100, 50, 200]
        assert changed(Grey(chance=1, channels=1), PIXEL, [0.9]).tolist() == [[[[82]]]]
        floats = changed(Grey(chance=1), PIXEL / 255, [0.0])
        np.testing.assert_allclose(floats.ravel(), 82.05 / 255, rtol=1e-12)

    def test_against_pillow(self) -> None:
        expected = np.asarray(pillow(NOISE).convert("L")).astype(int)
        assert np.abs(changed(Grey(chance=1, channels=1), NOISE, [0.0])[0, 0] - expected).max() <= 1

    def test_how_often(self) -> None:
        pictures = np.broadcast_to(PIXEL, (4000, 3, 1, 1))
        grey = Grey(chance=0.2).apply({"image": pictures}, Draws(0, "grey", 0, np.arange(4000)))["image"]
        assert (grey[:, 0] == 82).mean() == pytest.approx(0.2, abs=0.02)

    def test_what_is_certain_is_done_in_evaluation_too(self) -> None:
        assert Grey(chance=0.5).evaluation() is None
        assert Grey(chance=1, channels=1).evaluation() == Grey(chance=1, channels=1)
        spec = Grey(chance=1, channels=1).outputs({"image": TensorSpec(("N", 3, 4, 5), "uint8", "NCHW")})
        assert spec == {"image": TensorSpec(("N", 1, 4, 5), "uint8", "NCHW")}


class TestSaturation:
    @pytest.mark.parametrize(
        ("uniform", "expected"),
        [(0.0, [82, 82, 82]), (0.5, [100, 50, 200]), (0.25, [91, 66, 141]), (1.0, [118, 18, 255])],
    )
    def test_by_hand(self, uniform: float, expected: list[int]) -> None:
        assert changed(Saturation(strength=1), PIXEL, [uniform]).ravel().tolist() == expected

    def test_floats_are_not_cut_off(self) -> None:
        made = changed(Saturation(strength=1), PIXEL.astype(np.float64), [1.0]).ravel()
        np.testing.assert_allclose(made, [117.95, 17.95, 317.95], rtol=1e-12)

    @pytest.mark.parametrize("factor", [0.3, 1.0, 1.7])
    def test_against_pillow(self, factor: float) -> None:
        expected = np.asarray(ImageEnhance.Color(pillow(NOISE)).enhance(factor)).astype(int)
        made = changed(Saturation(strength=1), NOISE, [factor / 2])[0].transpose(1, 2, 0)
        assert np.abs(made - expected).max() <= 2  # Pillow rounds the grey value first, and cuts off


class TestHue:
    @pytest.mark.parametrize(
        ("turn", "expected"),
        [(0.0, [100, 50, 200]), (1 / 3, [200, 100, 50]), (-1 / 3, [50, 200, 100]), (0.5, [150, 200, 50])],
    )
    def test_by_hand(self, turn: float, expected: list[int]) -> None:
        assert changed(Hue(turn=0.5), PIXEL, [turn + 0.5]).ravel().tolist() == expected

    @pytest.mark.parametrize("turn", [-0.41, -0.1, 0.03, 0.27, 0.5])
    def test_against_the_standard_library(self, turn: float) -> None:
        pixels = np.array([[r, g, b] for r in (0, 0.2, 0.7, 1) for g in (0, 0.2, 0.7, 1) for b in (0, 0.2, 0.7, 1)])
        expected = []
        for pixel in pixels:
            hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
            expected.append(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))
        made = changed(Hue(turn=0.5), pixels.T.reshape(1, 3, 8, 8), [turn + 0.5])
        np.testing.assert_allclose(made.reshape(3, -1).T, expected, atol=1e-12)

    def test_without_colour_nothing_changes(self) -> None:
        grey = np.broadcast_to(np.arange(256, dtype=np.uint8), (1, 3, 1, 256))
        np.testing.assert_array_equal(changed(Hue(turn=0.5), grey, [0.87]), grey)


@pytest.mark.parametrize("augmenter", [Saturation(), Hue(), Grey()])
@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TensorSpec(("N", 1, 8, 8), "uint8"), r"pictures in colour \(batch, 3, height, width\), but 'image' is"),
        (TensorSpec(("N", 3, 8), "uint8"), r"pictures in colour"),
        (TensorSpec(("N", 3, 8, 8), "int64"), r"of type uint8 or float16 or float32 or float64, but 'image' is int64"),
    ],
)
def test_pictures_that_do_not_fit(augmenter: Augmenter, spec: TensorSpec, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        augmenter.check({"image": spec})


@pytest.mark.parametrize(
    ("made", "settings", "message"),
    [
        (Saturation, {"strength": 1.5}, "strength must be from 0 to 1, got 1.5"),
        (Hue, {"turn": 0.6}, "turn must be from 0 to 0.5"),
        (Grey, {"chance": -1}, "chance must be from 0 to 1, got -1"),
        (Grey, {"channels": 1}, "set chance to 1, not 0.1"),
    ],
)
def test_settings_that_do_not_fit(made: type[Augmenter], settings: Mapping[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**settings)  # type: ignore[arg-type]
