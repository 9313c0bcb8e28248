"""CIFAR: the two forms, records of bytes and pickles, in which CIFAR-10 and CIFAR-100 come."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from akid_core.errors import DataError
from akid_datasets.formats.contents import contents
from akid_datasets.formats.numbers import check_classes
from akid_datasets.formats.pickles import read_pickle

_IMAGE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


def read_binary(path: Path, classes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """A file of records: a byte for each label, in the order of `classes`, then the bytes of the image.

    `classes`: how many there are, by the name of the label. Gives `image` (rows, 3, 32, 32) uint8, red, green, blue,
    each row by row, and each label (rows,) int64. Raises `DataError` where the last record is cut short, and for labels
    out of range.
    """
    data = contents(path)
    size = len(classes) + _PIXELS
    if left := len(data) % size:
        raise DataError(
            f"{path} is cut short, or goes on after its records of {size:,} bytes: row {len(data) // size:,}, "
            f"from byte {len(data) - left:,} on, has {left:,} of them."
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, size)
    fields = {"image": np.ascontiguousarray(records[:, len(classes) :]).reshape(-1, *_IMAGE)}
    for column, (name, count) in enumerate(classes.items()):
        check_classes(records[:, column], count, partial(_byte, path, size, column))
        fields[name] = records[:, column].astype(np.int64)
    return fields


def read_pickled(path: Path, classes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """A pickled dictionary of `data` (rows, 3072) and a list for each label of `classes`; gives the same fields.

    Raises `DataError` for a pickle of anything else (nothing in it is run), where an entry is missing or has another
    number of rows, and for labels out of range.
    """
    entries = read_pickle(path)
    image = _entry(entries, "data", path)
    if not isinstance(image, np.ndarray) or image.ndim != 2 or image.shape[1] != _PIXELS:
        raise DataError(f"{path}: the entry 'data' is no array of rows of {_PIXELS:,} bytes.")
    fields = {"image": np.ascontiguousarray(image).reshape(-1, *_IMAGE)}
    for name, count in classes.items():
        labels = _entry(entries, name, path)
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise DataError(f"{path}: the entry '{name}' is no list of whole numbers.")
        if len(labels) != len(image):
            raise DataError(f"{path} has {len(image):,} images, but {len(labels):,} '{name}'.")
        fields[name] = _numbers(labels, name, count, path)
    return fields


def _byte(path: Path, size: int, column: int, row: int) -> str:
    return f"{path}, byte {row * size + column:,} (row {row})"


def _entry(entries: Mapping[bytes, object], name: str, path: Path) -> object:
    if name.encode() not in entries:
        known = ", ".join(f"'{key.decode(errors='replace')}'" for key in entries if isinstance(key, bytes))
        raise DataError(f"{path} has no entry '{name}'; it has {known or 'none'}.")
    return entries[name.encode()]


def _numbers(labels: list[int], name: str, count: int, path: Path) -> np.ndarray:
    values = np.array(labels, object)  # a label may be too large for any type of NumPy
    check_classes(values, count, lambda row: f"{path}, entry '{name}', row {row}")
    return values.astype(np.int64)
