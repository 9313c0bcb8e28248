"""Arrow: columns of Arrow, as Parquet files and the data sets of Hugging Face hold them, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from akid_core.errors import DataError
from akid_datasets.extras import extra


def arrow_numbers(column: Any, what: str, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray | None]:
    """The numbers of a column, (n, …), and which are missing, of the same shape; None where none is.

    Lists of equal length, also nested ones, are further axes. Raises `DataError` for other types, and for lists that
    differ in length or are missing; `what` names the column, `numbers` are those of its rows.
    """
    pa, pc = extra("pyarrow", "parquet"), extra("pyarrow.compute", "parquet")
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(column, pc, what, numbers)
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"{what} holds values of the type {kind}, which are no numbers; turn them into some first, or "
            f"name other columns in `fields`."
        )
    absent = None
    if column.null_count:
        absent = pc.is_null(column).to_numpy(zero_copy_only=False)
        column = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)
    return column.to_numpy(zero_copy_only=False), absent


def _lists(column: Any, pc: Any, what: str, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray | None]:
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero((lengths != lengths[:1]) | (lengths < 0))
    if wrong.size:
        row, found = int(wrong[0]), int(lengths[wrong[0]])
        has = "no list" if found < 0 else f"a list of {found}"
        raise DataError(f"{what} has {has} in row {numbers[row]}, but one of {lengths[0]} in row {numbers[0]}.")
    length = int(lengths[0]) if len(lengths) else 0
    values, absent = arrow_numbers(column.flatten(), what, np.repeat(numbers, length).tolist())
    shape = (len(lengths), length, *values.shape[1:])
    return values.reshape(shape), None if absent is None else absent.reshape(shape)
