"""Contents: the bytes of a file, and what every table of labels must fulfil."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from akid_core.errors import DataError
from akid_datasets.download.checks import BROKEN, open_raw


def contents(path: Path) -> bytes:
    """All bytes of a file, unpacked if it is packed. Raises `DataError` where it is missing, cut short or damaged."""
    try:
        with open_raw(path) as handle:
            return handle.read()
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # what the system says; a damaged file is an OSError, too
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        raise DataError(f"{path} is cut short or damaged, it cannot be unpacked: {error}.") from error


def check_labels(labels: np.ndarray, classes: int, place: Callable[[int], str]) -> None:
    """Raise `DataError` for the first of `labels`, (rows,), that is not 0 to `classes` - 1.

    `place`: where the label of a row stands, such as "byte 12".
    """
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(f"{place(row)}: the label of row {row} is {labels[row]}; valid are 0 to {classes - 1}.")
