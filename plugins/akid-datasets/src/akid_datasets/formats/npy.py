"""NPY and NPZ: arrays of NumPy in files, mapped into memory rather than read where they are large."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from akid_core.errors import DataError

MAPPED = 1 << 28
"""Arrays of more bytes than this stay in their file, and rows are read from there."""

_WIDEST = 8  # bytes of a number
_LOCAL_HEADER = 30  # bytes before the name of a member, by the ZIP specification (APPNOTE 4.3.7)
_BROKEN = (zipfile.BadZipFile, EOFError, ValueError, OSError, zipfile.zlib.error)


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, before it is read. `offset`: where its numbers begin; None where they are packed."""

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    offset: int | None

    @property
    def place(self) -> str:
        """What messages call it."""
        return f"'{self.member}' in {self.path}" if self.member else str(self.path)

    @property
    def mapped(self) -> bool:
        """Whether it stays in its file."""
        return self.offset is not None and self.size > MAPPED

    @property
    def size(self) -> int:
        """Its bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def load(self) -> np.ndarray:
        """The array. Raises `DataError` where it is damaged."""
        if self.mapped:
            order = "F" if self.fortran else "C"
            return np.memmap(self.path, self.dtype, "r", self.offset or 0, self.shape, order)
        try:
            if not self.member:
                return np.asarray(np.load(self.path, allow_pickle=False))
            with np.load(self.path, allow_pickle=False) as members:
                return np.asarray(members[self.member])
        except _BROKEN as error:
            raise DataError(f"{self.place} is damaged: {error}.") from error


def read_npy(path: Path) -> StoredArray:
    """The array in a `.npy` file. Raises `DataError` where it is missing, cut short, or holds no numbers."""
    try:
        with path.open("rb") as file:
            stored = _header(file, path, "", 0)
        there = path.stat().st_size - (stored.offset or 0)
    except _BROKEN as error:
        raise DataError(f"{path} cannot be read as an array of NumPy: {_reason(error)}.") from error
    if there < stored.size:
        row = "" if stored.fortran else f", up to the middle of row {there * stored.shape[0] // stored.size}"
        raise DataError(f"{path} is cut short: it has {there:,} of {stored.size:,} bytes of numbers{row}.")
    if there > stored.size:
        raise DataError(
            f"{path} goes on behind its array, for {there - stored.size:,} bytes; save one array in a file."
        )
    return stored


def read_npz(path: Path) -> dict[str, StoredArray]:
    """The arrays in an `.npz` file by their keys; those that are not packed can be mapped, too.

    Raises `DataError` where the file is missing, cut short, or holds something else than numbers.
    """
    stored = {}
    try:
        with path.open("rb") as raw, zipfile.ZipFile(raw) as archive:
            for info in archive.infolist():
                key = info.filename.removesuffix(".npy")
                with archive.open(info) as file:
                    start = _numbers(raw, info.header_offset) if info.compress_type == zipfile.ZIP_STORED else None
                    stored[key] = _header(file, path, key, start)
    except _BROKEN as error:
        raise DataError(f"{path} cannot be read as an .npz file: {_reason(error)}.") from error
    return stored


def _numbers(raw: IO[bytes], header: int) -> int:
    """Where the bytes of a member begin that is not packed."""
    place = raw.tell()
    raw.seek(header)
    local = raw.read(_LOCAL_HEADER)
    raw.seek(place)
    return header + _LOCAL_HEADER + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")


def _header(file: IO[bytes], path: Path, member: str, start: int | None) -> StoredArray:
    """What the header of an array says; `start` is where it begins in `path`, None where it is packed."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    stored = StoredArray(path, member, shape, dtype, fortran, None if start is None else start + file.tell())
    if dtype.kind not in "biuf" or dtype.itemsize > _WIDEST:
        found = "pickled objects, which could run code when they are read" if dtype.hasobject else f"values of {dtype}"
        raise DataError(f"{stored.place} holds {found}; save it as an array of numbers of at most 64 bits.")
    if not shape:
        raise DataError(f"{stored.place} is a single number; the first axis of an array counts the rows.")
    return stored


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).rstrip(".")
