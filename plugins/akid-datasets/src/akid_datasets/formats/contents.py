"""Contents: the bytes of a file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from akid_core.errors import DataError

BROKEN = (EOFError, OSError, lzma.LZMAError, zlib.error)
"""What reading a damaged compressed file raises; gzip and bzip2 raise `OSError`."""

_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


def open_raw(path: Path) -> BinaryIO:
    """Open a file for reading as it is unpacked: by its first bytes, gzip, bzip2, xz or not packed at all."""
    with path.open("rb") as handle:
        start = handle.read(6)
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
    return cast(BinaryIO, opener(path, "rb")) if opener else path.open("rb")


def contents(path: Path) -> bytes:
    """All bytes of a file, unpacked if it is packed. Raises `DataError` where it is missing, cut short or damaged."""
    try:
        with open_raw(path) as handle:
            return handle.read()
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # what the system says; a damaged file is an OSError, too
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        raise DataError(f"{path} is cut short or damaged, it cannot be unpacked: {error}.") from error
