"""What the tests of shards share: archives made by Python's own tarfile."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def image_of(row: int, size: int = 4) -> np.ndarray:
    """The image of a row: (size, size, 3) uint8."""
    return np.random.default_rng(row).integers(0, 256, (size, size, 3), np.uint8)


def write_rows(folder: Path, split: str, sizes: Iterable[int], size: int = 4) -> None:
    """Shards with so many rows each: an image as png, and the row as label."""
    row = 0
    for number, rows in enumerate(sizes):
        members = []
        for _ in range(rows):
            members += [(f"{row:06}.png", png(image_of(row, size))), (f"{row:06}.cls", str(row).encode())]
            row += 1
        write_tar(folder / f"{split}-{number:03}.tar", members)
