"""Collate: rows as other libraries give them, one by one, become fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from akid_core.data.batch import Batch
from akid_core.data.labels import labels_as_int64
from akid_core.data.nested import flat_fields
from akid_core.errors import DataError

Convert = Callable[[Any], np.ndarray]
"""Makes an array of one value of a row, where it is not NumPy's to know."""

_COLOURS = {"1": "L", "P": "RGB", "PA": "RGBA"}
"""Modes of pictures whose numbers are no brightness, and what they become."""


def collated(
    rows: Sequence[Any], names: Sequence[str], numbers: Sequence[int], convert: Convert | None = None
) -> dict[str, np.ndarray]:
    """The fields of rows, each (n, …); `names` are those of a tuple's values, `numbers` those of the rows.

    A row is a dictionary, a tuple or one value; what is nested has names such as "meta/age", of a tuple "pair/0".
    Pictures of Pillow become (channels, height, width); numbers of Python int64, float32 or bool; single integers
    int64. Raises `DataError` naming row and field for what is no number, and for rows that differ.
    """
    fields: dict[str, list[np.ndarray]] = {}
    for number, row in zip(numbers, rows, strict=True):
        given = row_fields(row, names)
        if fields and given.keys() != fields.keys():
            raise DataError(
                f"Row {number} has the fields {_listed(given)}, but row {numbers[0]} has {_listed(fields)}; give every "
                f"row the same."
            )
        for name, value in given.items():
            array = _array(value, f"The field '{name}' of row {number}", convert)
            known = fields.setdefault(name, [])
            if known and (array.shape, array.dtype) != (known[0].shape, known[0].dtype):
                raise DataError(
                    f"The field '{name}' of row {number} is {_shown(array)}, but of row {numbers[0]} it is "
                    f"{_shown(known[0])}; give all rows one shape and type, such as by padding or resizing."
                )
            known.append(array)
    return {name: _labels(np.stack(values), name) for name, values in fields.items()}


def stacked(chunk: Any, names: Sequence[str], first: int, convert: Convert | None = None) -> dict[str, np.ndarray]:
    """The same of rows that are stacked already: each value of `chunk` is (n, …)."""
    return {
        name: _labels(_array(value, f"The field '{name}' of row {first}", convert), name)
        for name, value in row_fields(chunk, names).items()
    }


def row_fields(row: Any, names: Sequence[str]) -> dict[str, Any]:
    """The values of a row by field name.

    Raises `DataError` where a tuple has more values than there are names, and where two values have one name.
    """
    if isinstance(row, list | tuple) and not hasattr(row, "_fields"):
        known = (*names, Batch.WEIGHTS)
        if len(row) > len(known):
            raise DataError(
                f"A row has {len(row)} values, but there are names for {_listed(known)} only; name more of them with "
                f"`fields`, or let rows be dictionaries."
            )
        row = dict(zip(known, row, strict=False))
    elif not isinstance(row, Mapping | tuple):
        row = {names[0]: row}
    return flat_fields(row, tuples=True)


def channels_first(array: np.ndarray, axes: int = 0) -> np.ndarray:
    """Pictures (…, H, W) or (…, H, W, C), behind so many `axes`, as (…, C, H, W); a view."""
    return np.expand_dims(array, axes) if array.ndim == axes + 2 else np.moveaxis(array, -1, axes)


def _array(value: Any, what: str, convert: Convert | None) -> np.ndarray:
    try:
        if hasattr(value, "getbands"):
            return _picture(value)
        array = np.asarray(value) if convert is None else convert(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{what} is not one array: {error}.") from error
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{what} is {_described(value)}, and only numbers are fields; turn it into numbers, or leave it out."
        )
    if not hasattr(value, "dtype") and array.dtype.kind == "f":
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _picture(image: Any) -> np.ndarray:
    """A picture of Pillow as (channels, height, width)."""
    mode = _COLOURS.get(image.mode)
    array = np.asarray(image if mode is None else image.convert(mode))
    return channels_first(array.astype(array.dtype.newbyteorder("="), copy=False))


def _labels(values: np.ndarray, name: str) -> np.ndarray:
    """One integer a row names a class: int64, as everywhere."""
    if name == Batch.WEIGHTS and values.ndim != 1:
        raise DataError(f"The field '{name}' has the shape {values.shape}; give one weight for each row.")
    return labels_as_int64(values, f"The field '{name}'")


def _shown(array: np.ndarray) -> str:
    return f"{array.dtype}{list(array.shape)}"


def _described(value: Any) -> str:
    if isinstance(value, str | bytes):
        return f"the text {value[:40]!r}"
    return "missing (None)" if value is None else f"a {type(value).__name__} of {np.asarray(value).dtype}"


def _listed(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names)
