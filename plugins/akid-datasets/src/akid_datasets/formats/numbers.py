"""Numbers: what the values that files hold must fulfil before they are rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from akid_core.data.finite import first_not_finite
from akid_core.errors import DataError


def without_missing(
    values: np.ndarray, missing: float | None, place: Callable[[int], str], absent: np.ndarray | None = None
) -> np.ndarray:
    """The rows (n, …) with `missing` in place of what is missing: what `absent` marks, NaN and infinity.

    Raises `DataError` for the first such row where `missing` is None, or no whole number among whole numbers; `place`
    says where row number i of `values` is.
    """
    if first_not_finite(values) is not None:
        infinite = ~np.isfinite(values)
        absent = infinite if absent is None else absent | infinite
    if absent is None or not absent.any():
        return values
    if missing is None:
        raise DataError(
            f"{place(_first(absent))} has a missing value, or one that is not finite (NaN, infinity). Mend the data, "
            f"or say what stands for such values, as missing: 0."
        )
    if values.dtype.kind != "f" and missing != int(missing):
        raise DataError(
            f"{place(_first(absent))} has a missing value, and {missing}, which should stand for it, is no whole "
            f"number as the others are."
        )
    return np.where(absent, np.asarray(missing, values.dtype), values)


def check_classes(values: np.ndarray, classes: int, place: Callable[[int], str]) -> None:
    """Raise `DataError` for the first row of `values`, (n, …), with a number that is not 0 to `classes` - 1."""
    wrong = no_class(values, classes)
    if wrong.any():
        raise DataError(f"{place(_first(wrong))} has the label {values[wrong][0]}; valid are 0 to {classes - 1}.")


def no_class(values: np.ndarray, classes: int) -> np.ndarray:
    """Which of `values` (…) are not 0 to `classes` - 1, (…) bool."""
    wrong: np.ndarray = (values < 0) | (values >= classes)
    return wrong


def _first(marked: np.ndarray) -> int:
    """The first row (n, …) with a mark."""
    return int(np.flatnonzero(marked.reshape(len(marked), -1).any(axis=1))[0])
