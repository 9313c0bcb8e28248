"""ArraySource: arrays in memory as a Source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from akid_core.data.augmenter import Fields
from akid_core.data.batch import Batch
from akid_core.data.labels import labels_as_int64
from akid_core.data.memory import taken
from akid_core.data.nested import flat_fields
from akid_core.data.source import Source
from akid_core.errors import DataError
from akid_core.specs.tensor import TensorSpec

ArrayData = np.ndarray | Sequence[Any] | Mapping[str, Any]
"""One array, a tuple of arrays (`(x, y)`, `(x, y, sample_weight)`), or (nested) arrays by name; lists count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ArraySource(Source):
    """Fields of equal length for each split, as `read_arrays` makes them. Nothing is copied before rows are read."""

    data: Mapping[str, Fields] = field(repr=False)

    def __post_init__(self) -> None:
        specs = {split: _spec(fields) for split, fields in self.data.items()}
        for spec in specs.values():
            spec.pop(Batch.WEIGHTS, None)  # one split may be weighted, another not
        for split, spec in specs.items():
            first, expected = next(iter(specs.items()))
            for name in {**expected, **spec}:
                known, found = (str(fields.get(name, "missing")) for fields in (expected, spec))
                if known != found:
                    raise DataError(
                        f"The field '{name}' is {known} in '{first}', but {found} in '{split}'; all splits need the "
                        f"same fields, with the same row shape and type."
                    )

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return _spec(self.data.get(self.split) or next(iter(self.data.values()), {}))

    def __len__(self) -> int:
        return next((len(values) for values in self.data.get(self.split, {}).values()), 0)

    def rows(self, indices: np.ndarray) -> Fields:
        return {name: taken(values, indices) for name, values in self.data[self.split].items()}

    def fingerprint(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for name, values in self.data.get(self.split, {}).items():
            digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def live_only(self) -> bool:
        return True


def read_arrays(data: ArrayData, split: str, fields: Sequence[str] = ("image", "label")) -> dict[str, np.ndarray]:
    """Named arrays of equal length from what a user gave for a split.

    `fields`: names for a tuple's arrays, in order; one more array than names is the sample weights. Types stay, except
    that integers with one axis (labels) become int64. Raises `DataError` for unequal lengths, no rows, or no numbers.
    """
    arrays = {name: _read(values, split, name) for name, values in _named(data, split, fields).items()}
    sizes = {name: len(values) for name, values in arrays.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"'{name}' has {size}" for name, size in sizes.items())
        raise DataError(f"The fields of '{split}' differ in their number of rows: {listed}. Give as many rows of each.")
    if not any(sizes.values()):
        raise DataError(f"The arrays given for '{split}' have no rows. Leave '{split}' out, or give at least one row.")
    return arrays


def _named(data: ArrayData, split: str, fields: Sequence[str]) -> dict[str, Any]:
    if isinstance(data, Mapping):
        return flat_fields(data)
    parts = tuple(data) if isinstance(data, tuple) else (data,)
    names = (*fields, Batch.WEIGHTS)
    if len(parts) > len(names):
        known = ", ".join(f"'{name}'" for name in names)
        raise DataError(
            f"'{split}' has {len(parts)} arrays, but there are names for {known} only. Name more of them with "
            f"fields=(…), or give a dictionary of arrays by field name."
        )
    return dict(zip(names, parts, strict=False))


def _read(values: Any, split: str, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)  # files may hold the other order of bytes
    except ValueError as error:
        raise DataError(f"The field '{name}' of '{split}' is not one array: {error}") from error
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise DataError(
            f"The field '{name}' of '{split}' has the shape {array.shape} and the type {array.dtype}; give an array of "
            f"numbers whose first axis counts the rows."
        )
    if name == Batch.WEIGHTS and array.ndim != 1:
        raise DataError(f"The field '{name}' of '{split}' has the shape {array.shape}; give one weight for each row.")
    return labels_as_int64(array, f"The field '{name}' of '{split}'")


def _spec(fields: Fields) -> dict[str, TensorSpec]:
    return {name: TensorSpec(("N", *values.shape[1:]), values.dtype.name) for name, values in fields.items()}
