"""Rows: reading a Source and holding it to its promise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from akid_core.data.augmentation import fits
from akid_core.data.augmenter import Fields, Specs
from akid_core.data.batch import Batch
from akid_core.data.finite import first_not_finite
from akid_core.data.named_row import named_row
from akid_core.data.source import Source
from akid_core.errors import DataError


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
        with named_row(self._source, rows):
            given = self._source.rows(rows)
        if not isinstance(given, Mapping):
            raise DataError(
                f"The `rows` of the source '{self._source.component()}' gave a {type(given).__name__}; they give a "
                f"dictionary of arrays by field name."
            )
        for name, spec in self._promise.items():
            values = given.get(name)
            if not isinstance(values, np.ndarray) or not fits(values, spec, len(rows)):
                raise DataError(
                    f"The source '{self._source.component()}' promises the field '{name}' as {spec}, but gave "
                    f"{_found(values)} for {len(rows)} rows."
                )
            if name != Batch.WEIGHTS and (wrong := first_not_finite(values)) is not None:
                raise DataError(
                    f"The source '{self._source.component()}' gave a number that is not finite (NaN or an infinity) in "
                    f"the field '{name}' of {self._source.row_name(int(rows[wrong]))}. Leave such rows out, or put a "
                    f"number in its place; a mask or a sample weight of 0 takes a row out of losses, metrics and "
                    f"gradients."
                )
        return {name: given[name] for name in self.spec}, self._weights(given, rows)

    def _weights(self, given: Fields, rows: np.ndarray) -> np.ndarray:
        if Batch.WEIGHTS not in self._promise:
            return np.ones(len(rows), np.float32)
        weights: np.ndarray = given[Batch.WEIGHTS].astype(np.float32)
        wrong = ~(np.isfinite(weights) & (weights >= 0))
        if wrong.any():
            row = self._source.row_name(int(rows[wrong][0]))
            raise DataError(
                f"The source '{self._source.component()}' gave {row} the sample weight {weights[wrong][0]}; a row "
                f"counts 0 or more."
            )
        return weights


def _found(values: object) -> str:
    """What messages call a field that is not what was promised."""
    if isinstance(values, np.ndarray):
        return f"{values.dtype}{list(values.shape)}"
    return "nothing" if values is None else f"a {type(values).__name__}, which is no array"
