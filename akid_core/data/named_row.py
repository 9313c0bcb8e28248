"""Named row: an error of a Source says which row it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from akid_core.errors import TryAgainError

if TYPE_CHECKING:
    from akid_core.data.source import Source

_ROW = re.compile(r"\brow \d")
"""How an error names a row."""


@contextmanager
def named_row(source: Source, rows: np.ndarray) -> Iterator[None]:
    """Inside, `rows` (n,) of a source are read; an error that names no row gets a note that does.

    It is the first that cannot be read by itself, unless trying again may help: to ask for row after row is to wait
    again.
    """
    try:
        yield
    except TryAgainError:
        raise
    except Exception as error:
        if not _ROW.search(f"{error} {getattr(error, '__notes__', '')}"):
            _note_row(error, source, rows)
        raise


def _note_row(error: Exception, source: Source, rows: np.ndarray) -> None:
    for row in rows:
        try:
            source.rows(row[np.newaxis])
        except Exception:
            error.add_note(f"while reading {source.row_name(int(row))} of the split '{source.split}'")
            return
