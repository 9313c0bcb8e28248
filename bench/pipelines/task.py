"""The task: what is done to which images."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

BATCH, ROWS, SIZE = 128, 50_000, 32


def _images() -> np.ndarray:
    """Blurred noise: neighbouring pixels are alike, as in photographs, and no line is of one value."""
    noise = np.random.default_rng(0).integers(0, 256, (ROWS, 3, SIZE, SIZE), dtype=np.uint8)
    return noise // 2 + np.roll(noise, 1, axis=-1) // 2


@dataclass(frozen=True)
class Task:
    """Crop out of a frame of `pad` zeros, flip with a chance of one half, brightness, contrast, normalise.

    `brightness`: up to so much of the full range is added. `contrast`: the factor lies so far around 1, about mid grey.
    """

    images: np.ndarray = field(default_factory=_images)
    labels: np.ndarray = field(default_factory=lambda: np.arange(ROWS) % 10)
    pad: int = 4
    brightness: float = 0.25
    contrast: float = 0.4
    mean: tuple[float, ...] = (0.4914, 0.4822, 0.4465)
    std: tuple[float, ...] = (0.2471, 0.2435, 0.2616)
