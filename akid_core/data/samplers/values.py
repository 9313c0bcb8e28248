"""Values: the one field of all rows that a sampler goes by."""

from __future__ import annotations

import numpy as np

from akid_core.data.sampler import Sampler
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, DataError, suggest


def class_labels(sampler: Sampler, source: Source, field: str) -> np.ndarray:
    """The classes of all rows, integers (rows,). Raises `ConfigurationError` for a field that names no classes."""
    return _values(sampler, source, field, "biu", "integers that name classes")


def row_weights(sampler: Sampler, source: Source, field: str) -> np.ndarray:
    """How much each row counts, (rows,) float64.

    Raises `ConfigurationError` for a field that is not one number a row, `DataError` for numbers that are no weights.
    """
    weights = _values(sampler, source, field, "biuf", "numbers").astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise DataError(
            f"The sampler '{sampler.component()}' draws by the field '{field}', which is {weights[wrong[0]]} in row "
            f"{wrong[0]} of the source '{source.component()}'; a weight is finite and 0 or more."
        )
    if not weights.any():
        raise DataError(
            f"The sampler '{sampler.component()}' draws by the field '{field}', which is 0 in all rows of the source "
            f"'{source.component()}', so that none can be drawn."
        )
    return weights


def _values(sampler: Sampler, source: Source, field: str, kinds: str, wanted: str) -> np.ndarray:
    """One value a row, of one of the `kinds` of NumPy's types."""
    if field not in source.spec:
        known = ", ".join(f"'{name}'" for name in source.spec)
        raise ConfigurationError(
            f"The sampler '{sampler.component()}' goes by the field '{field}', which the source "
            f"'{source.component()}' does not have.{suggest(field, source.spec)} It has {known}."
        )
    spec = source.spec[field]
    if spec.rank != 1 or np.dtype(spec.dtype).kind not in kinds:
        raise ConfigurationError(
            f"The sampler '{sampler.component()}' goes by the field '{field}', which is {spec} in the source "
            f"'{source.component()}'; it takes one value a row, {wanted}."
        )
    return source.column(field)
