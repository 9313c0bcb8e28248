"""Crop, pad, flip and shift: against hand-written pictures, and against Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from akid_core.data import Augmenter, Draws, sensors
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.crop import Crop
from akid_datasets.augmenters.flip import Flip
from akid_datasets.augmenters.pad import Pad
from akid_datasets.augmenters.shift import Shift


class Fixed(Draws):
    """Draws that a test has chosen: `numbers[stream]`, one for each row."""

    def __init__(self, *numbers: list[float]) -> None:
        super().__init__(0, "fixed", 0, np.arange(len(numbers[0])))
        self.numbers = numbers

    def integers(self, low: int, high: int, stream: int = 0) -> np.ndarray:
        values = np.array(self.numbers[stream])
        assert ((low <= values) & (values < high)).all()
        return values

    def uniform(self, stream: int = 0, shape: tuple[int, ...] = ()) -> np.ndarray:
        return np.array(self.numbers[stream], np.float64)


@pytest.fixture(params=["0", "1"], ids=["numpy", "numba"], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "1":
        pytest.importorskip("numba")
    monkeypatch.setenv("AKID_NUMBA", request.param)
    return str(request.param)


PICTURE = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)


def moved(augmenter: Augmenter, random: Draws, pictures: np.ndarray = PICTURE[np.newaxis]) -> list[object]:
    (result,) = augmenter.apply({"image": pictures, "label": np.arange(len(pictures))}, random).values()
    assert result.dtype == pictures.dtype
    return result.tolist()


def test_crops_by_hand() -> None:
    assert moved(Crop(size=2), Fixed([0], [1])) == [[[2, 3], [5, 6]]]
    assert moved(Crop(size=(1, 2)), Fixed([1], [0])) == [[[4, 5]]]
    # a pad of 1: place (0, 0) is the corner of the frame, (1, 1) the picture as it is
    assert moved(Crop(pad=1), Fixed([0], [0])) == [[[0, 0, 0], [0, 1, 2]]]
    assert moved(Crop(pad=1), Fixed([1], [1])) == [[[1, 2, 3], [4, 5, 6]]]
    assert moved(Crop(pad=1, fill=9), Fixed([2], [2])) == [[[5, 6, 9], [9, 9, 9]]]
    assert moved(Crop(pad=(0, 1), fill=9), Fixed([0], [2])) == [[[2, 3, 9], [5, 6, 9]]]
    assert moved(Crop(size=(2, 5), pad=1), Fixed([1], [0])) == [[[0, 1, 2, 3, 0], [0, 4, 5, 6, 0]]]
    assert moved(Crop(size=(2, 2), pad=(0, 3), fill=7), Fixed([0], [0])) == [[[7, 7], [7, 7]]]


def test_the_middle_is_the_upper_left_one() -> None:
    none = Fixed([0.0])
    assert moved(Crop(size=(2, 1), centre=True), none) == [[[2], [5]]]
    assert moved(Crop(size=(1, 2), centre=True), none) == [[[1, 2]]]
    assert moved(Crop(size=4, pad=1, centre=True), none) == [[[0, 0, 0, 0], [0, 1, 2, 3], [0, 4, 5, 6], [0, 0, 0, 0]]]


def test_channels_have_fills_of_their_own() -> None:
    pictures = np.stack([PICTURE, PICTURE + 10])[np.newaxis]
    assert moved(Crop(size=(1, 3), pad=(1, 0), fill=(7, 8)), Fixed([0], [0]), pictures) == [[[[7, 7, 7]], [[8, 8, 8]]]]
    assert moved(Pad(pixels=(0, 1), fill=(7, 8)), Fixed([0]), pictures)[0][1] == [
        [8, 11, 12, 13, 8],
        [8, 14, 15, 16, 8],
    ]


def test_pads_and_flips_by_hand() -> None:
    assert moved(Pad(pixels=(1, 0), fill=9), Fixed([0])) == [[[9, 9, 9], [1, 2, 3], [4, 5, 6], [9, 9, 9]]]
    two = np.stack([PICTURE, PICTURE])
    assert moved(Flip(), Fixed([0.49, 0.5]), two) == [[[3, 2, 1], [6, 5, 4]], PICTURE.tolist()]
    assert moved(Flip(direction="vertical"), Fixed([0.5, 0.49]), two) == [PICTURE.tolist(), [[4, 5, 6], [1, 2, 3]]]
    assert moved(Flip(chance=1), Fixed([0.999, 0.0]), two) == [[[3, 2, 1], [6, 5, 4]]] * 2
    assert moved(Flip(chance=0), Fixed([0.0, 0.5]), two) == two.tolist()


def test_against_pillow() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (6, 3, 7, 5), dtype=np.uint8)
    images = [Image.fromarray(picture.transpose(1, 2, 0)) for picture in pictures]
    top, left = [0, 1, 2, 3, 4, 5], [4, 3, 2, 1, 0, 2]

    def arrays(made: list[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(image) for image in made]).transpose(0, 3, 1, 2)

    def result(augmenter: Augmenter, *numbers: list[float]) -> np.ndarray:
        return augmenter.apply({"image": pictures}, Fixed(*numbers))["image"]

    framed = [ImageOps.expand(image, 2, (9, 8, 7)) for image in images]
    cut = [image.crop((x, y, x + 5, y + 6)) for image, y, x in zip(framed, top, left, strict=True)]
    np.testing.assert_array_equal(result(Crop(size=(6, 5), pad=2, fill=(9, 8, 7)), top, left), arrays(cut))
    np.testing.assert_array_equal(result(Pad(pixels=2, fill=(9, 8, 7)), [0] * 6), arrays(framed))
    np.testing.assert_array_equal(result(Flip(chance=1), [0] * 6), arrays([*map(ImageOps.mirror, images)]))
    vertical = Flip(direction="vertical", chance=1)
    np.testing.assert_array_equal(result(vertical, [0] * 6), arrays([*map(ImageOps.flip, images)]))


@pytest.mark.parametrize(
    "augmenter", [Crop(size=3, pad=1), Flip(), Pad(pixels=1), Shift()], ids=lambda it: it.component()
)
def test_the_fields_of_a_row_move_together(augmenter: Augmenter) -> None:
    places = np.arange(1, 17, dtype=np.int64).reshape(4, 4)
    image = np.broadcast_to(places, (50, 3, 4, 4)).astype(np.float32)
    mask = np.broadcast_to(places, (50, 4, 4)).astype(np.uint8)
    both = type(augmenter)(**{**vars(augmenter), "fields": ("image", "mask")})
    changed = both.apply({"image": image, "mask": mask}, Draws(0, "both", 0, np.arange(50)))
    np.testing.assert_array_equal(changed["image"][:, 1], changed["mask"])
    assert changed["mask"].dtype == np.uint8


def test_all_places_are_equally_frequent() -> None:
    image = np.arange(9.0).reshape(1, 3, 3).repeat(9000, axis=0)
    first = Crop(size=1).apply({"image": image}, Draws(0, "crop", 0, np.arange(9000)))["image"].ravel()
    np.testing.assert_allclose(np.bincount(first.astype(int)), np.full(9, 1000), rtol=0.12)
    turned = Flip(chance=0.3).apply({"image": image}, Draws(0, "flip", 0, np.arange(9000)))["image"][:, 0, 0] == 2
    assert turned.mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("augmenter", "expected"),
    [
        (Crop(size=2), Crop(size=2, centre=True)),
        (Crop(size=2, pad=1, name="c"), Crop(size=2, pad=1, centre=True, name="c")),
        (Crop(pad=4), None),
        (Crop(size=2, centre=True), Crop(size=2, centre=True)),
        (Pad(pixels=1), Pad(pixels=1)),
        (Flip(), None),
        (Flip(chance=1), Flip(chance=1)),
        (Shift(), None),
    ],
)
def test_what_stands_for_them_in_evaluation(augmenter: Augmenter, expected: Augmenter | None) -> None:
    assert augmenter.evaluation() == expected


def test_sizes_that_come_out() -> None:
    spec = {"image": TensorSpec(("N", 3, 8, 6), "uint8", "NCHW"), "label": TensorSpec(("N",), "int64")}
    assert Crop(size=(4, 5)).outputs(spec)["image"] == TensorSpec(("N", 3, 4, 5), "uint8", "NCHW")
    assert Pad(pixels=(1, 2)).outputs(spec)["image"] == TensorSpec(("N", 3, 10, 10), "uint8", "NCHW")
    assert Crop(pad=4).outputs(spec) == spec == Flip().outputs(spec)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Crop(), "leave every picture as it is"),
        (lambda: Crop(centre=True, pad=1), "leave every picture as it is"),
        (lambda: Crop(size=0), "size must be at least 1, got 0"),
        (lambda: Crop(size=3, pad=(0, -1)), r"pad must be at least 0, got \(0, -1\)"),
        (lambda: Pad(pixels=-1), "pixels must be at least 0, got -1"),
        (lambda: Flip(chance=1.5), "chance must be from 0 to 1, got 1.5"),
    ],
)
def test_settings_that_are_wrong(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("augmenter", "message"),
    [
        (Crop(size=9), "9x9 pixels cannot be cut out of pictures of 8x6 with a pad of 0 and 0; take a smaller size"),
        (Crop(size=4, pad=1, fill=256), r"'image' is uint8\[N, 3, 8, 6\], whose type cannot hold the value 256"),
        (Crop(pad=1, fill=0.5), "cannot hold the value 0.5 to fill with"),
        (Crop(pad=1, fill=float("nan")), "cannot hold the value nan to fill with"),
        (Pad(fill=-1), "cannot hold the value -1"),
        (Pad(fill=(1, 2)), "there are 2 values to fill with, one for each channel"),
        (Flip(fields=("label",)), r"flip moves fields of shape \(batch, …, height, width\), but 'label' is int64\[N\]"),
        (Crop(size=2, fields=("image", "small")), "are cut at one place, but their sizes differ"),
    ],
)
def test_settings_that_do_not_fit(augmenter: Augmenter, message: str) -> None:
    train = {
        "image": np.zeros((4, 3, 8, 6), np.uint8),
        "small": np.zeros((4, 3, 8, 5), np.uint8),
        "label": np.zeros(4, np.int64),
    }
    with pytest.raises(ConfigurationError, match=message):
        sensors(train=train, batch_size=2, augment=(augmenter,)).sensor("train", 0, None)


def test_pictures_that_turn_out_too_small() -> None:
    with pytest.raises(
        DataError, match=r"The augmenter 'crop' does not fit .* 3x3 pixels cannot be cut out of pictures"
    ):
        Crop(size=3).apply({"image": PICTURE[np.newaxis]}, Fixed([0], [0]))
