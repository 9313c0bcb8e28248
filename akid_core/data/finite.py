"""Finite numbers: what a row that holds NaN or an infinity would spoil, in silence on some backends."""

from __future__ import annotations

import numpy as np


def first_not_finite(values: np.ndarray) -> int | None:
    """The first row of `values` (n, …) that holds NaN or an infinity; None where all numbers are finite."""
    if values.dtype.kind != "f" or _finite_square(values):
        return None
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return None if finite.all() else int(np.argmin(finite))


def _finite_square(values: np.ndarray) -> bool:
    """Whether the sum of squares is finite, and so all numbers are: one fast pass that makes no array."""
    if values.dtype == np.float16 or not values.flags.c_contiguous:  # of which the first overflows soon
        return False
    flat = values.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))
