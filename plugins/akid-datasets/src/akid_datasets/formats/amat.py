"""AMAT: a table in a text file, a row a line, the values of the image and then the label."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from akid_core.errors import DataError
from akid_datasets.formats.contents import contents
from akid_datasets.formats.numbers import check_classes


def read_amat(path: Path, shape: tuple[int, ...], classes: int) -> dict[str, np.ndarray]:
    """A table of images and labels: `image` (rows, *shape) float32 as in the file, `label` (rows,) int64.

    Raises `DataError` for a line with another number of values (such as a last one that is cut short), or with one that
    is no finite number, and for labels that are not 0 to classes - 1.
    """
    width = int(np.prod(shape)) + 1
    table = [_values(line, number, width, path) for number, line in enumerate(io.BytesIO(contents(path)), start=1)]
    rows = np.stack(table) if table else np.empty((0, width), np.float32)
    label = rows[:, -1]
    check_classes(label, classes, lambda row: f"{path}, line {row + 1}")
    fractions = np.flatnonzero(label != np.rint(label))
    if fractions.size:
        raise DataError(f"{path}, line {fractions[0] + 1}: the label {label[fractions[0]]} is no whole number.")
    return {"image": np.ascontiguousarray(rows[:, :-1]).reshape(-1, *shape), "label": label.astype(np.int64)}


def _values(line: bytes, number: int, width: int, path: Path) -> np.ndarray:
    texts = line.split()
    if len(texts) != width:
        raise DataError(f"{path}, line {number}: {len(texts):,} values instead of {width:,}.")
    try:
        with np.errstate(over="ignore"):  # which makes it infinite
            values = np.array([float(text) for text in texts], np.float32)
    except ValueError as error:
        raise DataError(f"{path}, line {number}: {error}.") from error
    if not np.isfinite(values).all():
        raise DataError(f"{path}, line {number}: value {int(np.argmin(np.isfinite(values))) + 1} is not finite.")
    return values
