"""IDX: the format of MNIST, an array of bytes behind a header that says its sizes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from akid_core.errors import DataError
from akid_datasets.formats.contents import contents
from akid_datasets.formats.numbers import check_classes

_UNSIGNED_BYTE = 0x08
"""What the third byte of a file says of its values; the only type that is read."""


def read_idx(path: Path, row: tuple[int, ...]) -> np.ndarray:
    """The array of an IDX file, packed or not: (rows, *row) uint8, not writable.

    The header is the bytes 0, 0, type and number of dimensions, then each size in four bytes, the most significant
    first; the values follow, the last dimension fastest. Raises `DataError` for a header that says anything but
    unsigned bytes with rows of the sizes `row`, and where the file has more or fewer values than it announces.
    """
    data = contents(path)
    magic = bytes([0, 0, _UNSIGNED_BYTE, 1 + len(row)])
    if data[:4] != magic[: len(data)]:
        raise DataError(f"{path} starts with the bytes {data[:4].hex(' ')} instead of {magic.hex(' ')}.")
    header = 4 * (2 + len(row))
    if len(data) < header:
        raise DataError(f"{path} is cut short: it ends at byte {len(data)}, within its header of {header} bytes.")
    rows, *sizes = np.frombuffer(data, ">u4", offset=4, count=1 + len(row)).tolist()
    if tuple(sizes) != row:
        raise DataError(f"{path} has rows of {_times(sizes)} instead of {_times(row)}, as bytes 8 to {header - 1} say.")
    size = math.prod(row)
    end = header + rows * size
    if len(data) < end:
        raise DataError(
            f"{path} is cut short: it ends at byte {len(data):,} in row {(len(data) - header) // size:,}, "
            f"but its header announces {rows:,} rows, which are {end:,} bytes."
        )
    if len(data) > end:
        raise DataError(f"{path} goes on after its {rows:,} rows: {len(data) - end:,} bytes from byte {end:,} on.")
    return np.frombuffer(data, np.uint8, offset=header).reshape(rows, *row)


def read_labelled(images: Path, labels: Path, row: tuple[int, int], classes: int) -> dict[str, np.ndarray]:
    """Two IDX files that belong together: `image` (rows, 1, *row) uint8 and `label` (rows,) int64, 0 to classes - 1.

    Raises `DataError` where one is not sound, where they have different numbers of rows, and for other labels.
    """
    image, label = read_idx(images, row), read_idx(labels, ())
    if len(image) != len(label):
        raise DataError(f"{images} has {len(image):,} images, but {labels} has {len(label):,} labels.")
    check_classes(label, classes, lambda at: f"{labels}, byte {8 + at} (row {at})")
    return {"image": image[:, np.newaxis], "label": label.astype(np.int64)}


def _times(sizes: list[int] | tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
