"""Journal: what a search knows for good, a line at a time, each on the disk before anything rests on it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from akid_core.checkpoints import sync_directory
from akid_core.errors import AkidError, RunDirectoryError


class Journal:
    """Lines of JSON that are only ever appended; what a kill left of a line is cut off when it is opened again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def read(self) -> Iterator[dict[str, Any]]:
        """The records so far, in order. Raises `RunDirectoryError` for a line that is no record."""
        data = self.path.read_bytes() if self.path.exists() else b""
        for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise RunDirectoryError(
                    f"{self.path}, line {number}, is damaged: {error}. Restore the file, or search anew in another "
                    "directory."
                ) from error

    def open(self) -> None:
        """Be ready to append."""
        data = self.path.read_bytes() if self.path.exists() else b""
        self._file = self.path.open("ab", buffering=0)
        self._file.truncate(data.rfind(b"\n") + 1)
        sync_directory(self.path.parent)

    def append(self, **record: Any) -> None:
        """Add a record; it is on the disk when this returns."""
        assert self._file is not None, "a journal is opened before it is written"
        try:
            self._file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
            os.fsync(self._file.fileno())
        except OSError as error:
            raise AkidError(
                f"{self.path} could not be written: {error.strerror}. Make it writable or free some space, then "
                "continue with `--resume`."
            ) from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
