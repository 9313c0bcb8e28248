"""Contents: the bytes of a file."""

from __future__ import annotations

from pathlib import Path

from akid_core.errors import DataError
from akid_datasets.download.checks import BROKEN, open_raw


def contents(path: Path) -> bytes:
    """All bytes of a file, unpacked if it is packed. Raises `DataError` where it is missing, cut short or damaged."""
    try:
        with open_raw(path) as handle:
            return handle.read()
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno:  # what the system says; a damaged file is an OSError, too
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        raise DataError(f"{path} is cut short or damaged, it cannot be unpacked: {error}.") from error
