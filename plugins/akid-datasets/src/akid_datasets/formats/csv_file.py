"""CSV: tables in text, as RFC 4180 and the common variants have them, read a piece at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.errors import DataError
from akid_datasets.formats.columns import WIDER, Column, Kind, Piece

ABSENT = frozenset(("", "?", "n/a", "na", "nan", "none", "null"))
"""What stands for a missing value, in lower case."""

_PIECE = 1 << 15
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class CsvFile:
    """A file of lines with cells between delimiters; cells may be quoted, and then hold delimiters and line ends.

    `columns`: the names, where the first line does not say them. Empty lines are passed over. Every method raises
    `DataError` with file and line for what is not such a table in UTF-8.
    """

    path: Path
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    counted = "line"

    def names(self) -> Sequence[str]:
        if self.columns:
            return self.columns
        for _, cells in self._records():
            return [cell.strip() for cell in cells]
        raise DataError(f"{self.path} is empty; a table begins with a line of column names.")

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        kinds: dict[str, Kind] = dict.fromkeys(names, "int")
        for _, columns in self._cells(names):
            for name, cells in columns.items():
                kinds[name] = max(kinds[name], _kind(cells), key=WIDER.index)
        return kinds

    def pieces(self, kinds: Mapping[str, Kind]) -> Iterator[Piece]:
        for lines, columns in self._cells(list(kinds)):
            yield Piece({name: self._column(name, kinds[name], cells, lines) for name, cells in columns.items()}, lines)

    def _column(self, name: str, kind: Kind, cells: list[str], lines: Sequence[int]) -> Column:
        if kind == "text":
            absent = np.array([cell.strip().lower() in ABSENT for cell in cells])
            return Column([cell.strip() for cell in cells], absent if absent.any() else None)
        number: Callable[[str], Any] = int if kind == "int" else float
        dtype = np.int64 if kind == "int" else np.float64
        try:
            return Column(np.array(_as(number, cells), dtype))
        except (ValueError, OverflowError):  # some cell is no such number: see which, one by one
            absent = np.array([cell.strip().lower() in ABSENT for cell in cells])
        values = np.zeros(len(cells), dtype)
        for place in np.flatnonzero(~absent):
            try:
                (values[place],) = _as(number, [cells[place]])
            except (ValueError, OverflowError) as error:
                wanted = "no whole number, as others are: a field of [{}] takes any" if kind == "int" else "no number"
                raise DataError(
                    f"{self.path}, line {lines[place]}: the column '{name}' has {cells[place]!r}, which is "
                    f"{wanted.format(name)}."
                ) from error
        return Column(values, absent)

    def _cells(self, names: Sequence[str]) -> Iterator[tuple[list[int], dict[str, list[str]]]]:
        """The lines and the cells of some columns, many rows at a time."""
        header = list(self.names())
        places = [header.index(name) for name in names]
        lines: list[int] = []
        rows: list[list[str]] = []
        records = self._records()
        if not self.columns:
            next(records)
        for line, cells in records:
            if len(cells) != len(header):
                raise DataError(
                    f"{self.path}, line {line} has {len(cells)} cells, but there are {len(header)} columns: "
                    f"{', '.join(header)}. The delimiter is {self.delimiter!r}."
                )
            lines.append(line)
            rows.append(cells)
            if len(rows) == _PIECE:
                yield lines, {name: [row[place] for row in rows] for name, place in zip(names, places, strict=True)}
                lines, rows = [], []
        if rows:
            yield lines, {name: [row[place] for row in rows] for name, place in zip(names, places, strict=True)}

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """The line on which each record begins, and its cells."""
        begins, reader = 1, None
        try:
            with self.path.open("rb") as file:
                reader = csv.reader(self._lines(file), delimiter=self.delimiter, strict=True)
                for cells in reader:
                    if cells:
                        yield begins, cells
                    begins = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{self.path}, line {begins} is no line of a table: {error}.") from error
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror or error}.") from error

    def _lines(self, file: Any) -> Iterator[str]:
        """The lines as text, without the mark (BOM) that some programs put first."""
        offset = 0
        for number, line in enumerate(file, start=1):
            raw = line.removeprefix(_BOM) if number == 1 else line
            try:
                yield raw.decode()
            except UnicodeDecodeError as error:
                place = offset + len(line) - len(raw) + error.start
                raise DataError(
                    f"{self.path}, line {number} is not text in UTF-8: byte {place} of the file is "
                    f"0x{raw[error.start]:02x}. Save it as UTF-8, such as by iconv."
                ) from error
            offset += len(line)


def _as(number: Callable[[str], Any], cells: list[str]) -> list[Any]:
    """The cells as numbers. Raises `ValueError` where one is none; 1_000 is none, though Python reads it as one."""
    if any("_" in cell for cell in cells):
        raise ValueError("a number has no underscore")
    return list(map(number, cells))


def _kind(cells: list[str]) -> Kind:
    """The narrowest kind that the cells are."""
    for kind, number in (("int", int), ("float", float)):
        try:
            found = _as(number, cells)
        except ValueError:
            continue
        if kind == "float" or all(-(1 << 63) <= value < 1 << 63 for value in found):
            return kind
    present = [cell for cell in cells if cell.strip().lower() not in ABSENT]
    return "text" if len(present) == len(cells) else _kind(present)
