"""Decoding: how an encoded image becomes an array."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

_FORMATS = {
    "BMP": ("bmp",),
    "GIF": ("gif",),
    "JPEG": ("jpeg", "jpg"),
    "PNG": ("png",),
    "PPM": ("pbm", "pgm", "ppm"),
    "TIFF": ("tif", "tiff"),
    "WEBP": ("webp",),
}
"""What is read of the formats that Pillow knows, with the endings of names. Others run programs, as EPS does."""

SUFFIXES = tuple(sorted(suffix for suffixes in _FORMATS.values() for suffix in suffixes))
"""The endings of names, in lower case, by which files are taken for images."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_ORIENTATION = 0x0112  # of EXIF
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by that orientation, what makes an image upright


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """The settings that make images of any form alike.

    `size`: (height, width), or one number for both; None leaves images as they are, then all must have one size.
    `fit`: what is done to another shape: "cover" cuts off what is too long, equally on both sides; "pad" adds zeros;
    "stretch" keeps all and changes the shape. `channels`: 1 (grey), 3 (colour) or 4 (colour and opacity); with fewer
    than 4 the opacity of an image is left out. `resample`: how pixels are weighed, over all that fall into one;
    "nearest" takes one of them, as masks need it.

    Cameras note how they were held: images are turned upright. Of an animation, the first picture counts. 16 bits of
    grey become 8. JPEG files at least twice as large as wanted are decoded at a half, a quarter or an eighth of their
    size, which is several times faster.
    """

    size: int | tuple[int, int] | None = None
    fit: Literal["cover", "pad", "stretch"] = "cover"
    channels: Literal[1, 3, 4] = 3
    resample: Literal["bilinear", "bicubic", "nearest"] = "bilinear"

    def __post_init__(self) -> None:
        if self.channels not in _MODES:
            raise ValueError(f"channels must be 1, 3 or 4, got {self.channels}")
        sides = self.size if isinstance(self.size, tuple | list) else (self.size or 1,) * 2
        if len(sides) != 2 or min(sides) < 1 or self.size == 0:
            raise ValueError(f"size must be a number of pixels, or (height, width), at least 1, got {self.size}")
        if isinstance(self.size, list):
            object.__setattr__(self, "size", tuple(self.size))

    @property
    def height_and_width(self) -> tuple[int, int] | None:
        """What `size` says, for both sides."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def decode(self, encoded: bytes | Path) -> np.ndarray:
        """The image in a file or in its bytes: (channels, height, width) uint8, 0 to 255.

        Raises `ValueError` with the reason, such as "is empty", where there is none; `OSError` where the file cannot
        be read.
        """
        data = encoded.read_bytes() if isinstance(encoded, Path) else encoded
        if not data:
            raise ValueError("is empty")
        try:
            with Image.open(BytesIO(data), formats=tuple(_FORMATS)) as image:
                pixels = np.asarray(self._fitted(self._upright(image)))
        except Exception as error:  # a decoder that meets damaged bytes raises whatever it happens to run into
            reason = str(error).partition("<")[0].strip() or type(error).__name__
            raise ValueError(f"does not decode as an image ({reason})") from error
        return pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    def _upright(self, image: Image.Image) -> Image.Image:
        """The decoded image as it was seen, in the wanted colours."""
        if self.height_and_width is not None and self.resample != "nearest":
            image.draft(None, (2 * max(self.height_and_width),) * 2)  # JPEG alone heeds it
        turn = _UPRIGHT.get(_orientation(image))
        if image.mode.startswith("I"):
            image = _eight_bits(image)
        if image.mode == "F":
            raise ValueError("its pixels are real numbers; store them as npy")
        if image.mode != _MODES[self.channels]:
            image = image.convert(_MODES[self.channels])
        return image if turn is None else image.transpose(turn)

    def _fitted(self, image: Image.Image) -> Image.Image:
        if self.height_and_width is None or self.height_and_width == (image.height, image.width):
            return image
        height, width = self.height_and_width
        weigh = Image.Resampling[self.resample.upper()]
        scales = (height / image.height, width / image.width)
        if self.fit == "pad":
            inner = max(1, round(image.width * min(scales))), max(1, round(image.height * min(scales)))
            padded = Image.new(image.mode, (width, height))
            padded.paste(image.resize(inner, weigh), ((width - inner[0]) // 2, (height - inner[1]) // 2))
            return padded
        if self.fit == "stretch":
            return image.resize((width, height), weigh)
        across, down = min(image.width, width / max(scales)), min(image.height, height / max(scales))
        left, top = (image.width - across) / 2, (image.height - down) / 2
        return image.resize((width, height), weigh, box=(left, top, left + across, top + down))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # notes of a camera that cannot be read say nothing of the pixels, which may be sound
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8, rounded; Pillow itself would cut off what is above 255."""
    wide = np.asarray(image).astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:
        raise ValueError("its pixels have more than 16 bits; store them as npy")
    return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
