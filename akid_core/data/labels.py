"""Labels: whole numbers, one a row, are int64 wherever they come from."""

from __future__ import annotations

import numpy as np

from akid_core.errors import DataError


def labels_as_int64(values: np.ndarray, what: str) -> np.ndarray:
    """`values` as int64 where they are whole numbers with one axis, else as they are; `what` they are called in errors.

    Raises `DataError` for numbers that int64 does not hold.
    """
    if values.ndim != 1 or values.dtype.kind not in "iu":
        return values
    if values.dtype == np.uint64 and (beyond := values > np.uint64(2**63 - 1)).any():
        raise DataError(
            f"{what} holds the number {values[beyond][0]}, but whole numbers, one a row, become int64, which ends at "
            f"{2**63 - 1}; give classes by numbers from 0 on, and leave out what identifies rows."
        )
    return values.astype(np.int64)
