"""Parquet: tables in groups of rows, read a group at a time by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.errors import DataError
from akid_datasets.extras import extra
from akid_datasets.formats.arrow import arrow_numbers
from akid_datasets.formats.columns import Column, Kind, Piece


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file. Every method raises `DataError` with file and row for what cannot be read."""

    path: Path
    counted = "row"

    def names(self) -> Sequence[str]:
        with self._opened() as file:
            return list(file.schema_arrow.names)

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        with self._opened() as file:
            return {name: self._kind(file.schema_arrow.field(name).type) for name in names}

    def pieces(self, kinds: Mapping[str, Kind]) -> Iterator[Piece]:
        first = 0
        with self._opened() as file:
            for group in range(file.num_row_groups):
                try:
                    table = file.read_row_group(group, columns=list(kinds))
                except (OSError, ValueError) as error:
                    raise DataError(f"{self.path} is damaged from row {first} on: {error}.") from error
                numbers = range(first, first + table.num_rows)
                columns = {name: self._column(name, kind, table.column(name), numbers) for name, kind in kinds.items()}
                yield Piece(columns, numbers)
                first += table.num_rows

    def _column(self, name: str, kind: Kind, column: Any, numbers: Sequence[int]) -> Column:
        if kind != "text":
            values, absent = arrow_numbers(column, f"The column '{name}' of {self.path}", numbers)
            return Column(values if values.ndim > 1 or kind == "bool" else _as(kind, values), absent)
        texts = column.to_pylist()
        absent = np.array([text is None for text in texts], bool)
        return Column(["" if text is None else str(text) for text in texts], absent if absent.any() else None)

    @staticmethod
    def _kind(kind: Any) -> Kind:
        types = extra("pyarrow.types", "parquet")
        kind = kind.value_type if types.is_dictionary(kind) else kind
        if types.is_boolean(kind):
            return "bool"
        if types.is_string(kind) or types.is_large_string(kind):
            return "text"
        return "int" if types.is_integer(kind) else "float"

    def _opened(self) -> Any:
        try:
            return extra("pyarrow.parquet", "parquet").ParquetFile(self.path)
        except (OSError, ValueError) as error:
            raise DataError(f"{self.path} cannot be read as a Parquet file: {error}.") from error


def _as(kind: Kind, values: np.ndarray) -> np.ndarray:
    return values.astype(np.int64 if kind == "int" else np.float64, copy=False)
