"""Centring: rows about their own mean, which whitening and contrast normalisation share."""

from __future__ import annotations

import numpy as np

from akid_datasets.pictures.values import flat_rows


def centred(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, …) less their mean, in at least float32, and their variance (n,) in the same type.

    The variance is the mean of the squares of what is left, so that nothing is lost to a mean far from 0.
    """
    rows = flat_rows(values).astype(np.promote_types(values.dtype, np.float32))
    rows -= rows.mean(axis=1, keepdims=True)
    return rows.reshape(values.shape), np.square(rows).mean(axis=1)
