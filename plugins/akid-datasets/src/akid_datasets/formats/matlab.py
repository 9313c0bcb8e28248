"""MATLAB: tables in files of its format 5, as the development kit of ImageNet has one.

The format is that of MathWorks, "MAT-File Format", version 5: elements of a type, a size and data, filled up to
multiples of 8 bytes; a structure is an element made of elements.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from akid_core.errors import DataError
from akid_datasets.formats.contents import contents

_HEADER = 128
_COMPRESSED, _MATRIX, _UTF8 = 15, 14, 16
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_STRUCTURE, _TEXT = 2, 4  # classes of a matrix; all others that are read hold numbers

Value = np.ndarray | str | None


class _Element(NamedTuple):
    kind: int
    data: bytes


def read_table(path: Path, name: str) -> list[dict[str, Value]]:
    """The rows of the structure `name` in a file: its texts and numbers by field; None for anything else.

    Raises `DataError` where the file is damaged or of another format, or has no such structure.
    """
    data = contents(path)
    if len(data) < _HEADER or data[126:128] != b"IM":
        raise DataError(f"{path} is no file of MATLAB's format 5 (least significant byte first).")
    try:
        for element in _elements(data[_HEADER:]):
            if element.kind == _COMPRESSED:
                [element] = _elements(zlib.decompress(element.data))
            flags, shape, title, *parts = _elements(element.data)
            if flags.data[0] == _STRUCTURE and title.data.decode("ascii") == name:
                return _rows(_product(shape), parts)
    except (ValueError, IndexError, struct.error, zlib.error) as error:
        raise DataError(f"{path} is damaged: it does not read as a file of MATLAB's ({error}).") from error
    raise DataError(f"{path} has no structure '{name}'.")


def _rows(count: int, parts: list[_Element]) -> list[dict[str, Value]]:
    [width] = struct.unpack("<i", parts[0].data)
    packed = parts[1].data
    names = [packed[start : start + width].rstrip(b"\0").decode("ascii") for start in range(0, len(packed), width)]
    values = iter(parts[2:])
    return [{name: _value(next(values)) for name in names} for _ in range(count)]


def _value(element: _Element) -> Value:
    flags, _, _, *parts = _elements(element.data)
    if flags.data[0] == _STRUCTURE or len(parts) != 1 or parts[0].kind not in (*_NUMBERS, _UTF8):
        return None
    if flags.data[0] == _TEXT:
        return parts[0].data.decode("utf-16-le" if _NUMBERS.get(parts[0].kind) == "u2" else "utf-8")
    return np.frombuffer(parts[0].data, f"<{_NUMBERS[parts[0].kind]}")


def _product(shape: _Element) -> int:
    return int(np.prod(np.frombuffer(shape.data, "<i4")))


def _elements(data: bytes) -> Iterator[_Element]:
    place = 0
    while place < len(data):
        kind, size = struct.unpack_from("<II", data, place)
        start = place + 8
        place = start + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if kind >> 16:  # a small one: its size stands in the upper half of its type, its data in the place of its size
            kind, size, start, place = kind & 0xFFFF, kind >> 16, start - 4, start
        if start + size > len(data):
            raise ValueError(f"an element reaches to byte {start + size} of {len(data)}")
        yield _Element(kind, data[start : start + size])
