"""Brightness, contrast, rescale and normalize: against exact arithmetic, and the usual float32 formulas."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from akid_core.data import Augmenter, Draws, sensors
from akid_core.errors import ConfigurationError
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.brightness import Brightness
from akid_datasets.augmenters.contrast import Contrast
from akid_datasets.augmenters.normalize import Normalize
from akid_datasets.augmenters.rescale import Rescale
from akid_datasets.pictures.statistics import STATISTICS


class Fixed(Draws):
    """Draws that a test has chosen: one uniform number for each row."""

    def __init__(self, numbers: list[float]) -> None:
        super().__init__(0, "fixed", 0, np.arange(len(numbers)))
        self.numbers = np.array(numbers, np.float64)

    def uniform(self, stream: int = 0, shape: tuple[int, ...] = ()) -> np.ndarray:
        return self.numbers


BYTES = np.arange(256, dtype=np.uint8)
LARGE = np.broadcast_to(np.resize(BYTES, (1, 32, 32)), (3, 1, 32, 32))  # goes through a table
SMALL = np.broadcast_to(BYTES, (3, 256))  # does not
UNIFORM = [0.25, 0.5, 0.8125]


def in_byte(number: Fraction) -> int:
    return min(255, max(0, round(number)))  # which rounds half to even


def changed(augmenter: Augmenter, values: np.ndarray, numbers: list[float] = UNIFORM) -> np.ndarray:
    (result,) = augmenter.apply({"image": values}, Fixed(numbers)).values()
    return result


@pytest.mark.parametrize("values", [LARGE, SMALL], ids=["table", "rows"])
def test_bytes_are_rounded_half_to_even_and_kept_in_range(values: np.ndarray) -> None:
    # strength 32/255: uniform 0.25 adds -16, 0.5 nothing, 0.8125 adds 20
    lighter = changed(Brightness(strength=32 / 255), values)
    for row, more in enumerate((-16, 0, 20)):
        expected = [in_byte(Fraction(int(value) + more)) for value in values[row].ravel()]
        assert lighter[row].ravel().tolist() == expected
    # strength 0.5: the factors are 0.75, 1 and 1.3125; the middle is 127.5, all exact in float32
    stronger = changed(Contrast(strength=0.5), values)
    for row, factor in enumerate((Fraction(3, 4), Fraction(1), Fraction(21, 16))):
        middle = Fraction(255, 2)
        expected = [in_byte(middle + factor * (int(value) - middle)) for value in values[row].ravel()]
        assert stronger[row].ravel().tolist() == expected
    assert lighter.dtype == stronger.dtype == np.uint8


def test_contrast_about_another_middle() -> None:
    values = np.array([[0, 1, 2, 5], [10, 10, 10, 10], [255, 0, 0, 1]], np.uint8)
    # factor 1.5 about 0: 0, 1.5 -> 2, 3, 7.5 -> 8
    assert changed(Contrast(strength=0.5, around=0.0), values, [0.999999999] * 3)[0].tolist() == [0, 2, 3, 8]
    # factor 0.5 about the means 2, 10 and 64
    expected = [[1, 2, 2, 4], [10] * 4, [160, 32, 32, 32]]  # 1, 1.5, 2, 3.5 | 159.5, 32, 32, 32.5
    assert changed(Contrast(strength=0.5, around="mean"), values, [0.0] * 3).tolist() == expected


def test_floating_numbers_are_not_kept_in_a_range() -> None:
    values = np.array([[0.0, 0.5, 1.0]], np.float32)
    np.testing.assert_array_equal(changed(Brightness(strength=0.5), values, [0.75]), [[0.25, 0.75, 1.25]])
    np.testing.assert_array_equal(changed(Contrast(strength=0.5), values, [0.0]), [[0.25, 0.5, 0.75]])
    np.testing.assert_array_equal(changed(Contrast(strength=1, around="mean"), values, [0.75]), [[-0.25, 0.5, 1.25]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_types_stay(dtype: type) -> None:
    values = np.linspace(0, 1, 12).reshape(2, 3, 2).astype(dtype)
    for augmenter in (Brightness(), Contrast(), Contrast(around="mean"), Rescale(), Normalize(mean=0.5, std=0.5)):
        result = changed(augmenter, values, [0.3, 0.6])
        assert result.dtype == dtype
        assert augmenter.outputs({"image": TensorSpec(("N", 3, 2), values.dtype.name)})["image"].dtype == result.dtype


@pytest.mark.parametrize("values", [LARGE, SMALL], ids=["table", "rows"])
def test_rescale(values: np.ndarray) -> None:
    exact = values.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(changed(Rescale(), values), exact, strict=True)
    between = changed(Rescale(low=-1, high=1), values)
    np.testing.assert_array_equal(between, exact * np.float32(2) - np.float32(1), strict=True)
    assert between.min() == -1
    assert between.max() == 1
    halves = changed(Rescale(low=-1, high=1), np.array([[0.0, 0.5, 1.0]]), [0.0])
    np.testing.assert_array_equal(halves, [[-1.0, 0.0, 1.0]], strict=True)


def test_normalize_as_torchvision_does() -> None:
    """ToTensor and Normalize: a float32 of value / 255, less the mean, divided by the deviation, both float32."""
    pictures = np.random.default_rng(0).integers(0, 256, (4, 3, 30, 20), dtype=np.uint8)
    mean, std = np.float32([[[0.485]], [[0.456]], [[0.406]]]), np.float32([[[0.229]], [[0.224]], [[0.225]]])
    expected = (pictures.astype(np.float32) / np.float32(255) - mean) / std
    numbers = [0.0] * 4
    np.testing.assert_array_equal(changed(Normalize(statistics="imagenet"), pictures, numbers), expected, strict=True)
    given = Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    np.testing.assert_array_equal(changed(given, pictures, numbers), expected, strict=True)
    floats = pictures.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(changed(given, floats, numbers), expected, strict=True)
    seen = given.undone({"image": expected, "mask": pictures})
    np.testing.assert_allclose(seen["image"], floats, atol=1e-6)
    assert seen["mask"] is pictures


def test_normalize_channels_of_series() -> None:
    """Axis 1 are the channels whatever follows, though uint8 of three axes might be taken for grey pictures."""
    series = np.random.default_rng(0).integers(0, 256, (4, 2, 600), dtype=np.uint8)
    expected = series.astype(np.float64) / 255
    expected = np.stack([(expected[:, 0] - 0.25) / 0.5, (expected[:, 1] - 0.5) / 0.125], axis=1)
    result = changed(Normalize(mean=(0.25, 0.5), std=(0.5, 0.125)), series, [0.0] * 4)
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_named_statistics() -> None:
    """The digits that are quoted in papers and model cards."""
    assert np.round(STATISTICS["cifar10"].mean, 3).tolist() == [0.491, 0.482, 0.447]
    assert np.round(STATISTICS["cifar10"].std, 3).tolist() == [0.247, 0.244, 0.262]
    assert np.round(STATISTICS["cifar100"].mean, 3).tolist() == [0.507, 0.487, 0.441]
    assert np.round(STATISTICS["cifar100"].std, 3).tolist() == [0.267, 0.256, 0.276]
    assert (STATISTICS["mnist"].mean, STATISTICS["mnist"].std) == ((0.1307,), (0.3081,))
    assert all(known.source and len(known.mean) == len(known.std) for known in STATISTICS.values())


def test_factors_lie_evenly_within_their_strength() -> None:
    grey = np.full((4000, 1), 0.5)
    more = Brightness(strength=0.2).apply({"image": grey}, Draws(0, "b", 0, np.arange(4000)))["image"] - 0.5
    assert -0.2 <= more.min() < -0.199
    assert 0.199 < more.max() < 0.2
    assert abs(more.mean()) < 0.005
    white = np.full((4000, 1), 1.5)
    factor = Contrast(strength=0.4).apply({"image": white}, Draws(0, "c", 0, np.arange(4000)))["image"] - 0.5
    assert 0.6 <= factor.min() < 0.601
    assert 1.399 < factor.max() < 1.4


def test_the_mean_of_a_row_does_not_depend_on_its_neighbours() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3, 33, 31)).astype(np.float32)
    augmenter, random = Contrast(around="mean"), lambda chosen: Draws(0, "c", 0, chosen)
    whole = augmenter.apply({"image": values}, random(np.arange(50)))["image"]
    for row in range(50):
        alone = augmenter.apply({"image": values[row : row + 1]}, random(np.arange(row, row + 1)))["image"]
        np.testing.assert_array_equal(alone[0], whole[row])


@pytest.mark.parametrize("augmenter", [Brightness(), Contrast()])
def test_nothing_stands_for_what_is_random(augmenter: Augmenter) -> None:
    assert augmenter.evaluation() is None


@pytest.mark.parametrize("augmenter", [Rescale(), Normalize(statistics="mnist")])
def test_what_is_not_random_stands_for_itself(augmenter: Augmenter) -> None:
    assert augmenter.evaluation() is augmenter


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Brightness(strength=1.1), "strength must be from 0 to 1, got 1.1"),
        (lambda: Contrast(strength=-0.1), "strength must be from 0 to 1, got -0.1"),
        (lambda: Rescale(low=1), "low must be less than high, got 1 and 1.0"),
        (lambda: Normalize(), "give mean and std, or the statistics of one of cifar10, cifar100, mnist"),
        (lambda: Normalize(mean=0.5), "give mean and std, or the statistics"),
        (lambda: Normalize(mean=0.5, std=1, statistics="mnist"), "give statistics, or mean and std, not both"),
        (lambda: Normalize(mean=(0.5, 0.5), std=(1, 1, 1)), "mean has 2 numbers and std 3; give as many for both"),
        (lambda: Normalize(mean=0.5, std=(1, 0)), r"std greater than 0, got 0.5 and \(1, 0\)"),
        (lambda: Normalize(mean=float("inf"), std=1), "mean must be finite"),
    ],
)
def test_settings_that_are_wrong(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("augmenter", "message"),
    [
        (
            Normalize(statistics="cifar10"),
            r"mean and std are of 3 channels, but 'image', uint8\[N, 1, 2, 2\], has 1 \(axis 1\)",
        ),
        (Normalize(mean=128, std=64), "mean and std are of values of 0 to 1, got a mean of 128: divide both by 255"),
        (Brightness(fields=("label",)), r"of type uint8 or float16 or .*, but 'label' is int64\[N\]"),
        (Rescale(fields=("mask",)), r"but 'mask' is bool\[N, 2\]"),
    ],
)
def test_settings_that_do_not_fit(augmenter: Augmenter, message: str) -> None:
    train = {
        "image": np.zeros((4, 1, 2, 2), np.uint8),
        "mask": np.zeros((4, 2), bool),
        "label": np.zeros(4, np.int64),
    }
    with pytest.raises(ConfigurationError, match=message):
        sensors(train=train, batch_size=2, augment=(augmenter,)).sensor("train", 0, None)
