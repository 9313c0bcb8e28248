"""Rotate, affine and cutout: by hand, and against Pillow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from akid_core.data import Augmenter, Draws
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.affine import Affine
from akid_datasets.augmenters.cutout import Cutout
from akid_datasets.augmenters.rotate import Rotate
from akid_datasets.augmenters.warp import Method

from .chosen import changed

PICTURE = np.arange(1, 10, dtype=np.uint8).reshape(1, 1, 3, 3)
NOISE = np.random.default_rng(0).integers(0, 256, (1, 1, 21, 16)).astype(np.uint8)


class TestRotate:
    @pytest.mark.parametrize("method", ["bilinear", "nearest"])
    @pytest.mark.parametrize(("uniform", "quarters"), [(0.0, 2), (0.25, 3), (0.5, 0), (0.75, 1), (1.0, 2)])
    def test_quarter_turns(self, uniform: float, quarters: int, method: Method) -> None:
        made = changed(Rotate(degrees=180, method=method), PICTURE, [uniform])
        np.testing.assert_array_equal(made[0, 0], np.rot90(PICTURE[0, 0], quarters))

    def test_corners_are_filled(self) -> None:
        made = changed(Rotate(degrees=45, method="nearest", fill=7), np.full((1, 1, 5, 5), 1, np.uint8), [1.0])
        assert made[0, 0, 0].tolist() == [7, 1, 1, 1, 7]

    @pytest.mark.parametrize("degrees", [-70, 10, 33])
    def test_against_pillow(self, degrees: float) -> None:
        expected = np.asarray(Image.fromarray(NOISE[0, 0]).rotate(degrees, Image.Resampling.NEAREST, fillcolor=9))
        made = changed(Rotate(degrees=90, method="nearest", fill=9), NOISE, [(degrees + 90) / 180])
        assert (made[0, 0] == expected).mean() > 0.99  # Pillow steps through the picture in fixed point

    def test_fields_of_a_row_turn_together(self) -> None:
        fields = {"image": NOISE[:, :, :16], "mask": NOISE[:, 0, :16] > 100, "class": NOISE[:, 0, :16].astype(np.int64)}
        random = Draws(0, "rotate", 0, np.arange(1))
        made = Rotate(degrees=180, fields=tuple(fields), method="bilinear").apply(fields, random)
        nearest = Rotate(degrees=180, method="nearest").apply(fields, random)["image"]
        assert made["mask"].dtype == bool
        np.testing.assert_array_equal(made["class"], nearest[:, 0])
        np.testing.assert_array_equal(made["mask"], nearest[:, 0] > 100)
        assert not np.array_equal(made["image"], nearest)

    def test_values_stay_in_range(self) -> None:
        white = np.full((4, 3, 7, 9), 255, np.uint8)
        made = Rotate(degrees=180, fill=255).apply({"image": white}, Draws(0, "r", 0, np.arange(4)))["image"]
        np.testing.assert_array_equal(made, white)

    def test_many_large_pictures_are_turned_in_portions(self) -> None:
        pictures = np.random.default_rng(1).integers(0, 256, (5, 1, 400, 500)).astype(np.uint8)
        draws = [Draws(0, "r", 0, positions) for positions in (np.arange(5), np.array([4]))]
        whole, one = (
            Rotate().apply({"image": part}, d)["image"] for part, d in zip((pictures, pictures[4:]), draws, strict=True)
        )
        np.testing.assert_array_equal(whole[4:], one)


class TestAffine:
    def test_moves_between_pixels(self) -> None:
        # half a pixel to the right: each value is the mean of itself and its left neighbour, at the edge of the fill
        made = changed(
            Affine(translate=(0, 0.25), fill=20.0), np.array([[[[0.0, 100.0]]]]), [0.5], [0], [0.5], [0.5], [1.0]
        )
        assert made.tolist() == [[[[10.0, 50.0]]]]

    def test_moves_whole_pixels_down_and_right(self) -> None:
        made = changed(Affine(translate=(1 / 3, 1 / 3)), PICTURE, [0.5], [0], [0.5], [1.0], [0.0])
        assert made[0, 0].tolist() == [[0, 0, 0], [2, 3, 0], [5, 6, 0]]

    def test_enlarges(self) -> None:
        # twice as large: output pixel o lies at (o - 1.5) / 2 + 1.5 = 0.75, 1.25, 1.75, 2.25 of 0, 1, 2, 3
        made = changed(Affine(scale=(2, 2)), np.array([[[[0.0, 4.0, 8.0, 12.0]]] * 1]), [0.5], [0], [0.5], [0.5], [0.5])
        assert made.shape == (1, 1, 1, 4)
        np.testing.assert_allclose(made[0, 0, 0], [3.0, 5.0, 7.0, 9.0])

    def test_shears(self) -> None:
        # 45 degrees: the row above the middle moves one pixel to the left, the one below to the right
        made = changed(Affine(shear=45, method="nearest"), PICTURE, [0.5], [0], [1.0], [0.5], [0.5])
        assert made[0, 0].tolist() == [[2, 3, 0], [4, 5, 6], [0, 7, 8]]

    def test_channels_have_fills_of_their_own(self) -> None:
        pictures = np.ones((1, 2, 1, 2), np.uint8)
        made = changed(Affine(translate=(0, 1), fill=(7, 9)), pictures, [0.5], [0], [0.5], [0.5], [1.0])
        assert made.tolist() == [[[[7, 7]], [[9, 9]]]]

    def test_without_settings_nothing_changes(self) -> None:
        made = Affine().apply({"image": NOISE}, Draws(0, "affine", 0, np.arange(1)))["image"]
        np.testing.assert_array_equal(made, NOISE)


class TestCutout:
    def test_by_hand(self) -> None:
        pictures = np.ones((3, 1, 4, 5), np.uint8)
        made = changed(Cutout(size=(2, 3), fill=9), pictures, [0.5, 0.0, 0.99], [0.4, 0.0, 0.99])
        assert made[0, 0].tolist() == [[1, 1, 1, 1, 1], [1, 9, 9, 9, 1], [1, 9, 9, 9, 1], [1, 1, 1, 1, 1]]
        assert made[1, 0].tolist() == [[9, 9, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
        assert made[2, 0].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 9, 9], [1, 1, 1, 9, 9]]

    def test_all_pixels_are_covered_alike(self) -> None:
        pictures = np.zeros((6000, 3, 6, 6), np.float32)
        made = Cutout(size=1, fill=1.0).apply({"image": pictures}, Draws(0, "cutout", 0, np.arange(6000)))["image"]
        assert made[:, 0].sum(axis=0) == pytest.approx(np.full((6, 6), 6000 / 36), rel=0.35)
        np.testing.assert_array_equal(made[:, 0], made[:, 2])


@pytest.mark.parametrize(
    ("made", "settings", "message"),
    [
        (Rotate, {"degrees": -1}, "degrees must be at least 0, got -1"),
        (Affine, {"degrees": -1}, "degrees must be at least 0, got -1"),
        (Affine, {"translate": (0, 2)}, r"shares from 0 to 1 of height and width, got \(0, 2\)"),
        (Affine, {"scale": (1.5, 1.2)}, r"the lower end first, got \(1.5, 1.2\)"),
        (Affine, {"scale": (0, 1)}, "scale must be above 0"),
        (Affine, {"shear": 90}, "below 90 degrees, got 90"),
        (Cutout, {"size": 0}, "size must be at least 1, got 0"),
    ],
)
def test_settings_that_do_not_fit(made: type[Augmenter], settings: Mapping[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("augmenter", [Rotate(), Affine(), Cutout()])
@pytest.mark.parametrize("shape", [("N", 8), ("N", 3, "H", "W"), ("N", 3, 0, 4)])
def test_pictures_that_do_not_fit(augmenter: Augmenter, shape: tuple[int | str, ...]) -> None:
    with pytest.raises(ValueError, match=r"pictures \(batch, …, height, width\) of known size, but 'image' is"):
        augmenter.check({"image": TensorSpec(shape, "uint8")})
