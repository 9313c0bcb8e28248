"""Decoding: images of any form become arrays of one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from akid_datasets.formats.decoding import Decoding


def encoded(pixels: object, form: str = "PNG", **settings: object) -> bytes:
    """A file of (height, width) or (height, width, channels) values."""
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
    image.save(buffer, form, **settings)
    return buffer.getvalue()


COLOURS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8)
GREY = np.array([[0, 100], [200, 255]], np.uint8)


def test_channels_come_first() -> None:
    image = Decoding().decode(encoded(COLOURS))
    assert (image.shape, image.dtype) == ((3, 2, 3), np.uint8)
    assert image[0].tolist() == [[255, 0, 0], [1, 4, 7]]
    assert image[2].tolist() == [[0, 0, 255], [3, 6, 9]]


def test_colours_that_are_wanted() -> None:
    assert Decoding(channels=1).decode(encoded(GREY)).tolist() == [GREY.tolist()]
    assert Decoding(channels=3).decode(encoded(GREY)).tolist() == [GREY.tolist()] * 3
    assert Decoding(channels=4).decode(encoded(GREY)).tolist() == [GREY.tolist()] * 3 + [[[255, 255], [255, 255]]]
    # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue
    assert Decoding(channels=1).decode(encoded(COLOURS))[0, 0].tolist() == [76, 150, 29]
    clear = np.dstack([COLOURS, np.full((2, 3), 7, np.uint8)])
    assert Decoding().decode(encoded(clear)).tolist() == COLOURS.transpose(2, 0, 1).tolist()
    assert Decoding(channels=4).decode(encoded(clear))[3].tolist() == [[7, 7, 7], [7, 7, 7]]


@pytest.mark.parametrize("form", ["BMP", "PPM", "TIFF", "WEBP", "GIF"])
def test_forms_without_loss(form: str) -> None:
    image = Image.fromarray(COLOURS)
    if form == "GIF":
        image = image.quantize(6)
    settings = {"lossless": True} if form == "WEBP" else {}
    assert Decoding().decode(encoded(image, form, **settings)).tolist() == COLOURS.transpose(2, 0, 1).tolist()


@pytest.mark.parametrize("form", ["EPS", "PCX", "TGA"])
def test_other_forms_are_not_opened_whatever_their_name(form: str, tmp_path: Path) -> None:
    """Of EPS, Pillow would run Ghostscript on the content."""
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(COLOURS, form))
    with pytest.raises(ValueError, match=r"does not decode as an image \(cannot identify image file\)"):
        Decoding().decode(path)


def test_sixteen_bits_of_grey_are_rounded_to_eight() -> None:
    wide = np.array([[0, 128, 129], [257, 30000, 65535]], np.uint16)
    # x * 255 / 65535: 128 gives 0.498, 129 gives 0.502, 30000 gives 116.7
    assert Decoding(channels=1).decode(encoded(wide)).tolist() == [[[0, 0, 1], [1, 117, 255]]]


def test_other_numbers_are_no_image() -> None:
    with pytest.raises(ValueError, match="its pixels are real numbers"):
        Decoding().decode(encoded(np.ones((2, 2), np.float32), "TIFF"))
    with pytest.raises(ValueError, match="more than 16 bits"):
        Decoding().decode(encoded(np.full((2, 2), 70000, np.int32), "TIFF"))


BLOCKS = np.repeat(np.repeat(np.array([[10, 20, 30, 40]], np.uint8), 2, 0), 2, 1)  # 2 by 8: four squares


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        ("cover", [[[20, 30]]]),  # the two squares in the middle, each of which becomes a pixel
        ("stretch", [[[15, 35]]]),  # two squares become one pixel
        ("pad", [[[15, 35]]]),
    ],
)
def test_fit_of_a_wide_image_into_one_by_two(fit: str, expected: list[object]) -> None:
    # triangles reach into the neighbours, so only the tendency is compared where they do
    image = Decoding(size=(1, 2), fit=fit, channels=1).decode(encoded(BLOCKS))
    assert image.shape == (1, 1, 2)
    if fit != "pad":
        assert np.abs(image.astype(int) - np.array(expected)).max() <= 3


def test_padding_lies_on_both_sides() -> None:
    settings = {"fit": "pad", "channels": 1, "resample": "nearest"}
    image = Decoding(size=4, **settings).decode(encoded(np.full((2, 4), 9, np.uint8)))
    assert image.tolist() == [[[0] * 4, [9] * 4, [9] * 4, [0] * 4]]
    tall = Decoding(size=(4, 5), fit="pad", channels=1, resample="nearest").decode(
        encoded(np.full((4, 2), 9, np.uint8))
    )
    assert tall.tolist() == [[[0, 9, 9, 0, 0]] * 4]


def test_cover_takes_the_middle() -> None:
    tall = np.arange(6, dtype=np.uint8)[:, np.newaxis].repeat(2, 1)
    assert Decoding(size=2, channels=1).decode(encoded(tall)).tolist() == [[[2, 2], [3, 3]]]
    assert Decoding(size=2, channels=1).decode(encoded(tall.T)).tolist() == [[[2, 3], [2, 3]]]


def test_nearest_makes_no_new_values() -> None:
    mask = np.random.default_rng(0).integers(0, 2, (37, 53)).astype(np.uint8) * 200
    image = Decoding(size=(16, 20), channels=1, resample="nearest", fit="stretch").decode(encoded(mask))
    assert set(np.unique(image)) == {0, 200}


@pytest.mark.parametrize(
    ("orientation", "seen"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]),
        (2, [[3, 2, 1], [6, 5, 4]]),
        (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]),
        (5, [[1, 4], [2, 5], [3, 6]]),
        (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
        (8, [[3, 6], [2, 5], [1, 4]]),
    ],
)
def test_images_are_turned_upright(orientation: int, seen: list[list[int]]) -> None:
    """By the table of EXIF 2.3, 4.6.4: where the first row and column of the file are as one looks at the image."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(np.array([[1, 2, 3], [4, 5, 6]], np.uint8), exif=exif.tobytes())
    assert Decoding(channels=1).decode(data).tolist() == [seen]


def test_damaged_notes_of_a_camera_do_not_matter() -> None:
    data = encoded(np.full((8, 8), 50, np.uint8), "JPEG", exif=b"Exif\0\0" + b"\xff" * 20)
    assert abs(int(Decoding(channels=1).decode(data).mean()) - 50) <= 1


def test_large_jpegs_are_decoded_smaller_and_look_the_same() -> None:
    across = np.linspace(0, 255, 512).astype(np.uint8)[np.newaxis].repeat(384, 0)
    smooth = np.dstack([across, across[:, ::-1], np.full_like(across, 128)])
    jpeg, png = encoded(smooth, "JPEG", quality=95), encoded(smooth)
    for size in (32, (20, 40), 200):
        small, exact = (Decoding(size=size).decode(data).astype(int) for data in (jpeg, png))
        assert small.shape == exact.shape
        assert np.abs(small - exact).max() <= 6


def test_files_and_bytes_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(COLOURS))
    assert np.array_equal(Decoding(size=4).decode(tmp_path / "a.png"), Decoding(size=4).decode(encoded(COLOURS)))


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", r"does not decode as an image \(cannot identify image file\)"),
        (encoded(NOISE, "JPEG")[:1500], "does not decode as an image .*truncated"),
        (encoded(NOISE)[:1500], "does not decode as an image"),
    ],
)
def test_what_does_not_decode(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Decoding(size=8).decode(data)


@pytest.mark.parametrize("settings", [{"size": 0}, {"size": (3,)}, {"size": (4, 0)}, {"channels": 2}])
def test_settings_that_do_not_fit(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Decoding(**settings)
