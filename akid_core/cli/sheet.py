"""A contact sheet: pictures in columns under headings, a line for each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from akid_core.errors import PluginImportError

if TYPE_CHECKING:
    from PIL.Image import Image

CELL, GAP, MARGIN, TOP, LINE = 96, 4, 96, 20, 14
"""Pixels: the least side of a picture, between pictures, for words at the left, for headings, for a line of text."""

CLOSE = 1e-3
"""By how much numbers of 0 to 1 may be off after reckoning."""


def span(pictures: Iterable[np.ndarray]) -> tuple[float, float]:
    """What is black and what is white in all pictures that are not bytes: 0 and 1, or more where they have more."""
    finite = [values[np.isfinite(values)] for values in pictures if values.dtype != np.uint8]
    low = min((float(values.min(initial=0)) for values in finite), default=0.0)
    high = max((float(values.max(initial=1)) for values in finite), default=1.0)
    return (low if low < -CLOSE else 0.0), (high if high > 1 + CLOSE else 1.0)


def draw(
    pictures: Mapping[str, np.ndarray],
    captions: Mapping[str, Sequence[str]],
    words: Sequence[str],
    ends: tuple[float, float],
) -> Image:
    """A sheet of pictures (n, channels, height, width) by heading, each with its caption below it.

    `words`: at the left of each row. `ends`: what is black and white in pictures that are not bytes.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise PluginImportError(
            "A sheet is drawn by Pillow, which is not installed. Install it with: pip install pillow"
        ) from error
    sides = [max(CELL, *values.shape[2:]) for values in pictures.values()]
    lines = max(text.count("\n") + bool(text) for texts in captions.values() for text in texts)
    height = max(sides) + GAP + lines * LINE
    sheet = Image.new("RGB", (MARGIN + sum(sides) + len(sides) * GAP, TOP + len(words) * height), "white")
    ink = ImageDraw.Draw(sheet)
    left = MARGIN
    for (heading, values), side in zip(pictures.items(), sides, strict=True):
        ink.text((left, 4), heading, fill="black")
        for number, picture in enumerate(values):
            drawn = Image.fromarray(_bytes(picture, *ends))
            scale = side / max(drawn.size)
            drawn = drawn.resize((round(drawn.width * scale), round(drawn.height * scale)), Image.Resampling.NEAREST)
            sheet.paste(drawn, (left, TOP + number * height))
            ink.text((left, TOP + number * height + side), captions[heading][number], fill="black")
        left += side + GAP
    for number, text in enumerate(words):
        ink.text((4, TOP + number * height), text, fill="black")
    return sheet


def _bytes(picture: np.ndarray, black: float, white: float) -> np.ndarray:
    """(height, width) or (height, width, 3) uint8; bytes stay as they are, other numbers go from black to white."""
    values = np.moveaxis(picture[:3], 0, -1)
    if values.dtype != np.uint8:
        parts = np.nan_to_num((values.astype(np.float64) - black) / (white - black), posinf=1.0, neginf=0.0)
        values = np.rint(parts.clip(0, 1) * 255).astype(np.uint8)
    return values[..., 0] if values.shape[-1] == 1 else np.ascontiguousarray(values)
