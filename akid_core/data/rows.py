"""Rows: reading a Source and holding it to its promise."""

from __future__ import annotations

import re

import numpy as np

from akid_core.data.augmentation import fits
from akid_core.data.augmenter import Fields, Specs
from akid_core.data.batch import Batch
from akid_core.data.finite import first_not_finite
from akid_core.data.source import Source
from akid_core.errors import DataError, TryAgainError

_ROW = re.compile(r"\brow \d")
"""How an error names a row."""


class Rows:
    """The rows of a Source; `spec` are their fields, without the sample weights."""

    def __init__(self, source: Source) -> None:
        self._source, self._promise = source, dict(source.spec)
        self.spec: Specs = {name: spec for name, spec in self._promise.items() if name != Batch.WEIGHTS}

    def __call__(self, rows: np.ndarray) -> tuple[Fields, np.ndarray]:
        """The fields of `rows` (n,) and their weights (n,) float32.

        Raises `DataError` where they are not what the Source says of itself; an error of the Source names its row,
        unless trying again may help.
        """
        try:
            given = self._source.rows(rows)
        except TryAgainError:
            raise  # to ask the same again, row by row, is to wait again
        except Exception as error:
            if not _ROW.search(f"{error} {getattr(error, '__notes__', '')}"):
                self._name_row(error, rows)
            raise
        for name, spec in self._promise.items():
            values = given.get(name)
            if values is None or not fits(values, spec, len(rows)):
                found = "nothing" if values is None else f"{values.dtype}{list(values.shape)}"
                raise DataError(
                    f"The source '{self._source.component()}' promises the field '{name}' as {spec}, but gave {found} "
                    f"for {len(rows)} rows."
                )
            if name != Batch.WEIGHTS and (wrong := first_not_finite(values)) is not None:
                raise DataError(
                    f"The source '{self._source.component()}' gave a number that is not finite (NaN or an infinity) in "
                    f"the field '{name}' of row {rows[wrong]}. Leave such rows out, or put a number in its place; a "
                    f"mask or a sample weight of 0 takes a row out of losses, metrics and gradients."
                )
        return {name: given[name] for name in self.spec}, self._weights(given, rows)

    def _weights(self, given: Fields, rows: np.ndarray) -> np.ndarray:
        if Batch.WEIGHTS not in self._promise:
            return np.ones(len(rows), np.float32)
        weights: np.ndarray = given[Batch.WEIGHTS].astype(np.float32)
        wrong = ~(np.isfinite(weights) & (weights >= 0))
        if wrong.any():
            raise DataError(
                f"The source '{self._source.component()}' gave row {rows[wrong][0]} the sample weight "
                f"{weights[wrong][0]}; a row counts 0 or more."
            )
        return weights

    def _name_row(self, error: Exception, rows: np.ndarray) -> None:
        """Note which row an error is about: the first that cannot be read by itself."""
        for row in rows:
            try:
                self._source.rows(row[np.newaxis])
            except Exception:
                error.add_note(f"while reading row {row} of the split '{self._source.split}'")
                return
