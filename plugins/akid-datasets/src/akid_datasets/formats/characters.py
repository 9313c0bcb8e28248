"""Characters: the text of files as numbers, one for each character."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from akid_core.errors import DataError

CODES = 0x110000
"""How many characters Unicode has room for."""

_PIECE = 1 << 20
_BOM = "\ufeff"


def read_characters(paths: Sequence[Path]) -> np.ndarray:
    """The code points of all characters of files in UTF-8, one file after another: (characters,) uint8, 16 or 32.

    Line ends stay as they are; a mark (BOM) at the beginning of a file is left out. Raises `DataError` with the byte
    where a file is not UTF-8.
    """
    pieces = [_narrow(piece) for path in paths for piece in _pieces(path)]
    return np.concatenate(pieces) if pieces else np.empty(0, np.uint8)


def _pieces(path: Path) -> Iterator[np.ndarray]:
    """The code points of a file, piece by piece, uint32."""
    decoder, read, begun = codecs.getincrementaldecoder("utf-8")(), 0, False
    try:
        with path.open("rb") as file:
            while True:
                waiting = len(decoder.getstate()[0])  # bytes of a character that the last piece cut through
                piece = file.read(_PIECE)
                try:
                    text = decoder.decode(piece, final=not piece)
                except UnicodeDecodeError as error:
                    place = read - waiting + error.start
                    raise DataError(f"{path} is not text in UTF-8: {error.reason} at byte {place}.") from error
                if text and not begun:
                    begun, text = True, text.removeprefix(_BOM)
                yield np.frombuffer(text.encode("utf-32-le"), np.uint32)
                read += len(piece)
                if not piece:
                    return
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _narrow(codes: np.ndarray) -> np.ndarray:
    """The same in the narrowest type that holds them."""
    most = int(codes.max()) if len(codes) else 0
    return codes.astype(np.uint8 if most < 1 << 8 else np.uint16 if most < 1 << 16 else np.uint32)
