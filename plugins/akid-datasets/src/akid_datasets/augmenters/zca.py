"""ZCA: rows whose values do not depend on each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws, Fitted
from akid_core.data.augmenter import Fields
from akid_core.errors import DataError
from akid_datasets.augmenters.standardising import Standardising
from akid_datasets.pictures.ranges import floating
from akid_datasets.pictures.values import flat_rows

_BLOCK = 64
"""Rows that are multiplied at once."""


@dataclass(frozen=True, kw_only=True)
class ZCA(Standardising, Fitted):
    """Whiten rows by what all rows to train on have in common, and turn them back: (x - mean) W.

    W = U diag(1 / sqrt(s + `epsilon`)) U', where U diag(s) U' is the covariance of the rows; so the covariance of what
    comes out has the eigenvalues s / (s + epsilon), nearly 1 (A. J. Bell, T. J. Sejnowski, "The 'independent
    components' of natural scenes are edge filters", 1997; A. Krizhevsky, "Learning multiple layers of features from
    tiny images", 2009, appendix A). `epsilon` is in squares of the values that come in: 0.1 is common after `gcn`.

    What is learnt of a field of d values a row are `mean` (d,), `whiten` (d, d) and `colour` (d, d), its inverse: 75 MB
    for d = 3,072, and four times that while learning.

    `fields`: each (batch, …) uint8, taken as 0 to 255, -> float32, or floating, of the same type.
    """

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        if not self.epsilon > 0:
            raise ValueError(f"epsilon must be above 0, got {self.epsilon}")

    def fit(self, batches: Iterable[Fields]) -> Fields:
        moments = {name: _Moments() for name in self.fields}
        for batch in batches:
            for name, sums in moments.items():
                sums.add(batch[name])
        learnt: dict[str, np.ndarray] = {}
        for name, sums in moments.items():
            learnt |= {f"{name}/{part}": values for part, values in self._learnt(name, sums).items()}
        return learnt

    def transform(self, fields: Fields, random: Draws, learnt: Fields) -> Fields:
        return {name: self._whitened(fields[name], name, learnt) for name in self.fields}

    def inverse(self, fields: Fields, learnt: Fields) -> Fields:
        """The rows that whitened ones, each field (n, …), came from: x W^-1 + mean, of the same type."""
        return {name: self._coloured(fields[name], name, learnt) for name in self.fields}

    def _learnt(self, name: str, sums: _Moments) -> dict[str, np.ndarray]:
        covariance = sums.covariance()
        if not np.isfinite(covariance).all():
            raise DataError(
                f"The field '{name}' holds numbers that are not finite, so 'zca' can learn nothing from it. Leave such "
                "rows out, or replace the numbers."
            )
        values, vectors = np.linalg.eigh(covariance)
        spread = np.sqrt(np.maximum(values, 0.0) + self.epsilon)  # rounding may leave values just below 0
        return {
            "mean": sums.mean,
            "whiten": (vectors / spread @ vectors.T).astype(sums.kind),
            "colour": (vectors * spread @ vectors.T).astype(sums.kind),
        }

    def _whitened(self, given: np.ndarray, name: str, learnt: Fields) -> np.ndarray:
        matrix = learnt[f"{name}/whiten"]
        rows = flat_rows(given) - learnt[f"{name}/mean"]
        return _times(rows.astype(matrix.dtype), matrix).reshape(given.shape).astype(floating(given.dtype), copy=False)

    def _coloured(self, given: np.ndarray, name: str, learnt: Fields) -> np.ndarray:
        rows = _times(flat_rows(given), learnt[f"{name}/colour"])
        return (rows + learnt[f"{name}/mean"]).astype(given.dtype).reshape(given.shape)


class _Moments:
    """Mean and covariance of rows, in one pass in float64, a batch at a time.

    By T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979: each batch about its own mean, so that nothing is lost to a mean far from 0.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = np.zeros(0)
        self.kind = np.dtype(np.float32)
        self._scatter = np.zeros((0, 0))

    def add(self, batch: np.ndarray) -> None:
        """Count a batch (n, …)."""
        rows = flat_rows(batch).astype(np.float64)
        if not self.count:
            self.kind = np.promote_types(batch.dtype, np.float32)
            self.mean = np.zeros(rows.shape[1])
            self._scatter = np.zeros((rows.shape[1], rows.shape[1]))
        mean = rows.mean(axis=0)
        rows -= mean
        away = mean - self.mean
        both = self.count + len(rows)
        self._scatter += rows.T @ rows
        self._scatter += np.outer(away, away * (self.count * len(rows) / both))
        self.mean += away * (len(rows) / both)
        self.count = both

    def covariance(self) -> np.ndarray:
        return self._scatter / self.count


def _times(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Rows (n, d) by a matrix (d, d), each row to the same bits whatever the others are.

    Libraries of linear algebra choose their way by the number of rows, and with it how sums are rounded; so they are
    always given blocks of the same number.
    """
    blocks = math.ceil(len(rows) / _BLOCK)
    padded = np.zeros((blocks * _BLOCK, rows.shape[1]), rows.dtype)
    padded[: len(rows)] = rows
    product: np.ndarray = padded.reshape(blocks, _BLOCK, len(matrix)) @ matrix
    return product.reshape(padded.shape)[: len(rows)]
