"""Resize and random resized crop: by hand, and against Pillow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from akid_core.data import ArraySource, Augmenter, Chain, Draws, Sensor
from akid_core.errors import ConfigurationError
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.crop import Crop
from akid_datasets.augmenters.random_resized_crop import RandomResizedCrop
from akid_datasets.augmenters.resize import Resize

from .chosen import Chosen, changed

NOISE = np.random.default_rng(0).integers(0, 256, (1, 1, 23, 31)).astype(np.uint8)


class TestResize:
    @pytest.mark.parametrize(
        ("values", "width", "settings", "expected"),
        [
            ([0, 100], 4, {}, [0, 25, 75, 100]),
            ([0, 8, 4, 12], 2, {"antialias": False}, [4, 8]),
            ([0, 8, 4, 12], 2, {}, [7 / 1.75, (8 * 0.25 + 4 * 0.75 + 12 * 0.75) / 1.75]),
            ([0, 8, 4, 12], 2, {"method": "nearest"}, [8, 12]),
            ([0, 8], 5, {"method": "nearest"}, [0, 0, 8, 8, 8]),
            ([0, 8, 4, 12], 1, {"antialias": False}, [6]),
        ],
    )
    def test_by_hand(self, values: list[float], width: int, settings: dict[str, object], expected: list[float]) -> None:
        for picture in (np.array(values, float).reshape(1, 1, 1, -1), np.array(values, float).reshape(1, 1, -1, 1)):
            size = (1, width) if picture.shape[2] == 1 else (width, 1)
            made = changed(Resize(size=size, **settings), picture)  # type: ignore[arg-type]
            np.testing.assert_allclose(made.ravel(), expected, rtol=1e-12)

    @pytest.mark.parametrize("size", [(7, 31), (23, 5), (11, 12), (40, 50), (46, 3), (1, 1)])
    def test_against_pillow(self, size: tuple[int, int]) -> None:
        picture = Image.fromarray(NOISE[0, 0].astype(np.float32), mode="F")
        expected = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR))
        np.testing.assert_allclose(changed(Resize(size=size), NOISE.astype(np.float32))[0, 0], expected, atol=1e-3)
        in_bytes = np.asarray(Image.fromarray(NOISE[0, 0]).resize(size[::-1], Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(changed(Resize(size=size), NOISE)[0, 0] - in_bytes).max() <= 1  # Pillow rounds between the axes
        nearest = np.asarray(Image.fromarray(NOISE[0, 0]).resize(size[::-1], Image.Resampling.NEAREST))
        np.testing.assert_array_equal(changed(Resize(size=size, method="nearest"), NOISE)[0, 0], nearest)

    def test_one_number_is_the_shorter_side(self) -> None:
        for shape, size, expected in (((10, 15), 4, (4, 6)), ((16, 10), 5, (8, 5)), ((10, 10), 7, (7, 7))):
            spec = Resize(size=size).outputs({"image": TensorSpec(("N", 3, *shape), "uint8", "NCHW")})["image"]
            assert spec == TensorSpec(("N", 3, *expected), "uint8", "NCHW")

    def test_a_constant_stays_to_the_bit(self) -> None:
        for value in (0, 77, 255):
            same = np.full((1, 2, 9, 14), value, np.uint8)
            for size in (5, (23, 4)):
                assert (changed(Resize(size=size), same) == value).all()

    def test_classes_and_truth_values_take_the_nearest(self) -> None:
        classes = NOISE[:, 0].astype(np.int64)
        made = changed(Resize(size=(7, 8)), classes)
        np.testing.assert_array_equal(made, changed(Resize(size=(7, 8), method="nearest"), NOISE)[:, 0])
        assert changed(Resize(size=(7, 8)), classes > 100).dtype == bool

    def test_the_same_size_is_a_copy(self) -> None:
        made = changed(Resize(size=(23, 31)), NOISE)
        np.testing.assert_array_equal(made, NOISE)
        assert not np.shares_memory(made, NOISE)


class TestRandomResizedCrop:
    def test_by_hand(self) -> None:
        picture = np.arange(32, dtype=np.uint8).reshape(1, 1, 4, 8)
        made = RandomResizedCrop(size=(2, 4), area=(0.25, 0.5), ratio=(2, 2))
        # a quarter of 32 pixels, twice as wide as high: 2 x 4; of 3 and 5 places the middle ones
        random = Chosen({0: [[0.0] * 10], 1: [[0.3] * 10], 4: [0.5], 5: [0.5]})
        assert made.apply({"image": picture}, random)["image"][0, 0].tolist() == [[10, 11, 12, 13], [18, 19, 20, 21]]

    def test_the_first_part_that_fits(self) -> None:
        picture = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
        made = RandomResizedCrop(size=(1, 4), area=(0.25, 1.0), ratio=(1, 4))
        # the first try is 16 pixels 4 times as wide as high, 2 x 8; the second a quarter of them, 1 x 4, at the bottom
        random = Chosen({0: [[1.0, 0.0] + [1.0] * 8], 1: [[1.0] * 10], 4: [0.99], 5: [0.0]})
        assert made.apply({"image": picture}, random)["image"][0, 0].tolist() == [[12, 13, 14, 15]]

    @pytest.mark.parametrize(("ratio", "shape"), [((4, 4), (1, 4)), ((0.25, 0.25), (4, 1))])
    def test_where_none_fits_the_middle_is_taken(self, ratio: tuple[float, float], shape: tuple[int, int]) -> None:
        picture = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
        made = changed(RandomResizedCrop(size=shape, area=(1, 1), ratio=ratio), picture)
        np.testing.assert_array_equal(made[0, 0].ravel(), picture[0, 0, 1] if shape[0] == 1 else picture[0, 0, :, 1])

    def test_parts_keep_their_bounds(self) -> None:
        made = RandomResizedCrop(size=4, area=(0.2, 0.6), ratio=(0.5, 2))
        parts = made._parts(Draws(0, "crop", 0, np.arange(2000)), 90, 90)
        top, left, height, width = parts.T
        assert (top >= 0).all()
        assert (left >= 0).all()
        assert (top + height <= 90).all()
        assert (left + width <= 90).all()
        share = height * width / 8100
        assert 0.19 < share.min() < 0.21
        assert 0.58 < share.max() < 0.62
        assert share.mean() == pytest.approx(0.39, abs=0.02)
        assert 0.48 < (width / height).min() < (width / height).max() < 2.1
        assert np.log(width / height).mean() == pytest.approx(0, abs=0.05)

    def test_the_whole_picture_is_resized_as_resize_does(self) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 20)).astype(np.uint8)
        made = changed(RandomResizedCrop(size=7, area=(1, 1), ratio=(1, 1)), picture)
        np.testing.assert_array_equal(made, changed(Resize(size=7), picture))

    def test_in_evaluation_the_middle_is_cut_out(self) -> None:
        form = RandomResizedCrop(size=224, name="crop").evaluation()
        assert form == Chain(name="crop", augment=(Resize(size=256), Crop(size=224, centre=True)))
        rows = {"image": np.random.default_rng(0).integers(0, 256, (3, 3, 20, 30)).astype(np.uint8)}
        sensor = Sensor(ArraySource(data={"train": rows}), batch_size=3, augment=(RandomResizedCrop(size=14),))
        expected = changed(Resize(size=16), rows["image"])[:, :, 1:15, 5:19]
        np.testing.assert_array_equal(sensor.evaluation_batch(0).fields["image"], expected)
        assert sensor.batch(0, 0).fields["image"].shape == (3, 3, 14, 14)

    def test_fields_must_have_one_size(self) -> None:
        rows = {"image": np.zeros((2, 3, 9, 9), np.uint8), "mask": np.zeros((2, 9, 8), np.uint8)}
        augment = (RandomResizedCrop(size=4, fields=("image", "mask")),)
        with pytest.raises(
            ConfigurationError, match="one part out of pictures of one height and width, but 'image' is"
        ):
            Sensor(ArraySource(data={"train": rows}), batch_size=1, augment=augment)


@pytest.mark.parametrize(
    ("made", "settings", "message"),
    [
        (Resize, {"size": 0}, "size must be at least 1, got 0"),
        (Resize, {"size": (3, -1)}, r"size must be at least 1, got \(3, -1\)"),
        (RandomResizedCrop, {"size": 0}, "size must be at least 1"),
        (RandomResizedCrop, {"size": 1, "area": (0.5, 1.2)}, r"up to 1, the smaller first, got \(0.5, 1.2\)"),
        (RandomResizedCrop, {"size": 1, "ratio": (2, 1)}, r"above 0, the smaller first, got \(2, 1\)"),
    ],
)
def test_settings_that_do_not_fit(made: type[Augmenter], settings: Mapping[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**settings)  # type: ignore[arg-type]
