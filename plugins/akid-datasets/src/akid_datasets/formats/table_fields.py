"""TableFields: columns of a table made into fields, each one array for all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from akid_core.errors import DataError, suggest
from akid_datasets.formats.columns import Kind, Piece, TableFile, check_columns
from akid_datasets.formats.numbers import without_missing

FieldColumns = Mapping[str, str | tuple[str, ...]]
"""The columns of each field: one, or several that are stacked."""


@dataclass(frozen=True)
class TableFields:
    """All rows of a table. `kinds`: of its columns; `classes`: of those that are texts, each at its index."""

    arrays: Mapping[str, np.ndarray]
    kinds: Mapping[str, Kind]
    classes: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return next((len(values) for values in self.arrays.values()), 0)


def read_fields(
    file: TableFile,
    fields: FieldColumns,
    missing: float | None,
    stated: Mapping[str, Sequence[str | int]],
    like: TableFields | None = None,
) -> TableFields:
    """The fields of a file. `stated`: classes of columns, by column. `like`: a table whose kinds and classes hold.

    Raises `DataError` naming file, line or row, and column for a value that is missing, of another kind, or no class.
    """
    columns = _columns(fields)
    check_columns(file, columns)
    known = {name: tuple(map(str, classes)) for name, classes in stated.items()}
    kinds = dict(like.kinds) if like else {**_kinds(file, fields), **dict.fromkeys(known, "text")}
    reading = _Reading(file, missing, kinds, {**known, **(like.classes if like else {})})
    parts: dict[str, list[np.ndarray]] = {name: [] for name in fields}
    for piece in file.pieces(kinds):
        for name, wanted in fields.items():
            parts[name].append(reading.values(piece, wanted))
    arrays = {name: _joined(values, file.path) for name, values in parts.items()}
    classes = {}
    for name, wanted in fields.items():
        if isinstance(wanted, str) and kinds[wanted] == "text":
            arrays[name], classes[wanted] = reading.settled(wanted, arrays[name])
    return TableFields(arrays, kinds, classes)


@dataclass
class _Reading:
    """What is known while the pieces of a file are read. `learnt`: the classes that were met, in that order."""

    file: TableFile
    missing: float | None
    kinds: Mapping[str, Kind]
    classes: Mapping[str, Sequence[str]]
    learnt: dict[str, dict[str, int]] = field(default_factory=dict)

    def values(self, piece: Piece, wanted: str | tuple[str, ...]) -> np.ndarray:
        """A field of a piece: (n, …) of one column, (n, columns) float32 of several."""
        if isinstance(wanted, str):
            if self.kinds[wanted] == "text":
                return self._indices(piece, wanted)
            return self._numbers(piece, wanted)
        stacked = [self._numbers(piece, name) for name in wanted]
        for name, values in zip(wanted, stacked, strict=True):
            if values.ndim > 1:
                raise DataError(f"The column '{name}' of {self.file.path} holds lists; give it a field of its own.")
        return np.stack([values.astype(np.float32) for values in stacked], axis=1)

    def _numbers(self, piece: Piece, name: str) -> np.ndarray:
        column = piece.columns[name]
        values = np.asarray(column.values)
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
                values = values.astype(np.float32)
        return without_missing(values, self.missing, lambda row: self._place(piece, name, row), column.absent)

    def _indices(self, piece: Piece, name: str) -> np.ndarray:
        """The index of each text: its class's, or the number of texts that were met before it first was."""
        column = piece.columns[name]
        classes = self.classes.get(name)
        known = self.learnt.setdefault(name, {text: index for index, text in enumerate(classes or ())})
        for row in () if column.absent is None else np.flatnonzero(column.absent):
            if (text := column.values[row]) not in known:
                raise DataError(
                    f"{self._place(piece, name, row)} has no text{f', but {text!r}' if text else ''}; `missing` is for "
                    f"numbers alone. If that is a class, name all of them, as classes: {{{name}: [{text!r}, …]}}."
                )
        if classes is None:
            return np.array([known.setdefault(text, len(known)) for text in column.values], np.int64)
        indices = np.array([known.get(text, -1) for text in column.values], np.int64)
        if (indices < 0).any():
            row = int(np.argmax(indices < 0))
            text = column.values[row]
            raise DataError(
                f"{self._place(piece, name, row)} has '{text}', which is no class.{suggest(text, classes)} "
                f"Classes: {', '.join(classes)}."
            )
        return indices

    def settled(self, name: str, indices: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """The indices and classes of a column; classes that were learnt are in the order of their texts."""
        met = self.learnt.get(name, {})
        if name in self.classes:
            return indices, tuple(self.classes[name])
        texts = tuple(sorted(met))
        ranks = np.empty(len(texts), np.int64)
        ranks[[met[text] for text in texts]] = np.arange(len(texts))
        return ranks[indices], texts

    def _place(self, piece: Piece, name: str, row: int) -> str:
        """What messages call a value."""
        return f"{self.file.path}, {self.file.counted} {piece.numbers[row]}: the column '{name}'"


def _columns(fields: FieldColumns) -> list[str]:
    """All columns that fields are made of, each once."""
    listed = [(wanted,) if isinstance(wanted, str) else wanted for wanted in fields.values()]
    return list(dict.fromkeys(name for names in listed for name in names))


def _kinds(file: TableFile, fields: FieldColumns) -> dict[str, Kind]:
    """What the columns of fields are; those that are only ever stacked are taken for floating numbers."""
    single = [wanted for wanted in fields.values() if isinstance(wanted, str)]
    return {**dict.fromkeys(_columns(fields), "float"), **file.kinds(single)}


def _joined(parts: list[np.ndarray], path: Path) -> np.ndarray:
    if not parts:
        raise DataError(f"{path} has no rows.")
    for part in parts:
        if part.shape[1:] != parts[0].shape[1:]:
            raise DataError(f"{path} has rows of the shapes {parts[0].shape[1:]} and {part.shape[1:]} in one column.")
    return np.concatenate(parts)
