"""Table: columns of CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from akid_core.data import Source
from akid_core.data.source import About
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.formats.columns import TableFile
from akid_datasets.formats.csv_file import CsvFile
from akid_datasets.formats.parquet_file import ParquetFile
from akid_datasets.formats.splits import SplitPaths, as_paths, file_digest, path_of
from akid_datasets.formats.table_fields import FieldColumns, TableFields, read_fields
from akid_datasets.sharing import shared

_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, kw_only=True)
class Table(Source):
    """Columns of a CSV or Parquet file (`.parquet`, `.pq`, by the extra `parquet`), or of one for each split.

    `path`: a file to train on, `data/{split}.csv`, or a mapping from splits to files; the source `held_out` cuts
    validation and test rows out of one file. `fields`: for each field one column, or a list of columns that are stacked
    into (batch, columns) float32. Of a single column whole numbers become int64, other numbers float32, truth values of
    Parquet bool, texts (in CSV also true and false) int64: the index of their class. `classes`: the classes of a column
    or of its field, in order, `{species: [setosa, virginica]}`; by default the texts in the file to train on, sorted. A
    text that is no class is an error, as is a missing one that `classes` do not name.

    `missing`: the number that stands for missing ones (null in Parquet; in CSV an empty cell, `NA`, `N/A`, `NaN`,
    `null`, `None`, `?`) and for infinity, also a number too large for float32; they are errors otherwise. `delimiter`:
    between the cells of CSV. `columns`: the names of the columns of a CSV file whose first line does not say them.

    Files are read a piece at a time; what stays in memory are the fields.
    """

    path: SplitPaths
    fields: FieldColumns
    classes: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    missing: float | None = None
    delimiter: str = ","
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", as_paths(self.path))
        object.__setattr__(self, "columns", tuple(self.columns))
        named = {name: columns if isinstance(columns, str) else tuple(columns) for name, columns in self.fields.items()}
        object.__setattr__(self, "fields", named)
        stated = {self._column(name): tuple(classes) for name, classes in self.classes.items()}
        object.__setattr__(self, "classes", stated)
        if not named or not all(named.values()):
            raise ValueError("fields must name a column, or a list of columns, for at least one field")
        if len(self.delimiter) != 1:
            raise ValueError(f"delimiter must be one character, got {self.delimiter!r}")
        single = [columns for columns in named.values() if isinstance(columns, str)]
        for column in self.classes:
            if column not in single:
                raise ValueError(f"classes are given for '{column}', which is neither a column nor a field of one")

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        arrays = (self._table or self._train).arrays
        return {name: TensorSpec(("N", *values.shape[1:]), values.dtype.name) for name, values in arrays.items()}

    def __len__(self) -> int:
        return 0 if self._table is None else len(self._table)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        arrays = {} if self._table is None else self._table.arrays
        return {name: values.take(indices, axis=0) for name, values in arrays.items()}

    def fingerprint(self) -> str:
        path = path_of(self.path, self.split)
        return "" if path is None else file_digest(path)

    @property
    def in_memory(self) -> bool:
        return True

    def about(self) -> About:
        said = {f"classes of {name}": texts for name, texts in self._train.classes.items()}
        return {"file": str(path_of(self.path, "train")), **said}

    def classes_of(self, name: str) -> tuple[str, ...]:
        """The classes of a column of texts, which its field names too, each at its index."""
        column = self._column(name)
        if column not in self._train.classes:
            raise DataError(
                f"The column '{column}' has no classes; those of these columns are known: "
                f"{', '.join(self._train.classes) or 'none'}."
            )
        return self._train.classes[column]

    def _column(self, name: str) -> str:
        """The column that a name is about: itself, or that of the field."""
        columns = self.fields.get(name)
        return columns if isinstance(columns, str) and name not in self.fields.values() else name

    @cached_property
    def _table(self) -> TableFields | None:
        path = path_of(self.path, self.split)
        if path is None:
            return None
        if self.split == "train":
            return self._train
        read = self._read(path, self._train)
        for name, values in read.arrays.items():
            train = self._train.arrays[name]
            if values.shape[1:] != train.shape[1:]:
                raise DataError(
                    f"The rows of '{name}' have the shape {values.shape[1:]} in {path}, but {train.shape[1:]} in "
                    f"{path_of(self.path, 'train')}."
                )
        return read

    @cached_property
    def _train(self) -> TableFields:
        """The table to train on, which says what values the others have."""
        path = path_of(self.path, "train")
        if path is None:
            raise DataError("There is no file for the split 'train', which says what the columns hold.")
        return shared(repr(replace(self, split="train")), [path], lambda: self._read(path))

    def _read(self, path: Path, like: TableFields | None = None) -> TableFields:
        parquet = path.suffix.lower() in _PARQUET
        file: TableFile = ParquetFile(path) if parquet else CsvFile(path, self.delimiter, self.columns)
        return read_fields(file, self.fields, self.missing, self.classes, like)
