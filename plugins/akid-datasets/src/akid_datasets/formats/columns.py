"""Columns: what tables in files have in common, whatever their format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from akid_core.errors import DataError, suggest

Kind = Literal["bool", "int", "float", "text"]
WIDER: tuple[Kind, ...] = ("bool", "int", "float", "text")
"""What the values of a column are, the narrow ones first."""


@dataclass(frozen=True, slots=True)
class Column:
    """Some values of one column: (n, …) numbers, or n texts. `absent`: which of them are missing; None for none."""

    values: np.ndarray | Sequence[str]
    absent: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table. `numbers`: what messages count them by, the line or the row in the file."""

    columns: Mapping[str, Column]
    numbers: Sequence[int]


class TableFile(Protocol):
    """A table in a file."""

    path: Path
    counted: str
    """What `Piece.numbers` are: "line" or "row"."""

    def names(self) -> Sequence[str]:
        """The names of the columns, in order."""

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What the values of some columns are."""

    def pieces(self, kinds: Mapping[str, Kind]) -> Iterator[Piece]:
        """The rows of some columns, a piece after the other, each column of the kind that is said."""


def check_columns(file: TableFile, wanted: Sequence[str]) -> None:
    """Raise `DataError` for a column that the file does not have, or has twice."""
    names = list(file.names())
    for name in wanted:
        if names.count(name) != 1:
            how = "has no column" if name not in names else "has several columns"
            hint = suggest(name, names) if name not in names else ""
            if len(names) == 1 and (other := next((mark for mark in ";\t|," if mark in names[0]), None)):
                hint = f" Is its delimiter {other!r}?"
            raise DataError(f"{file.path} {how} '{name}'.{hint} Its columns: {', '.join(names)}.")
