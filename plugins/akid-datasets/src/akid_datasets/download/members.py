"""Members: what lies in a tar or zip file, one after another, with the traps that the readers of Python leave open."""

from __future__ import annotations

import contextlib
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from akid_core.errors import DataError
from akid_datasets.formats.contents import open_raw

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, NotImplementedError, EOFError, lzma.LZMAError, zlib.error)
_LONGEST_HEADER = 1 << 24


@dataclass(frozen=True)
class ArchiveMember:
    """A folder, or a file of `size` bytes; `problem` says why it is neither. `content` is read before the next."""

    name: str
    folder: bool = False
    size: int = 0
    content: IO[bytes] | None = None
    problem: str = ""


@contextlib.contextmanager
def opened_archive(archive: Path) -> Iterator[Iterator[ArchiveMember]]:
    """The members of a tar (plain, gzip, bzip2, xz) or zip file. Raises `DataError` where it is damaged."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                yield _of_zip(packed)
        else:
            with open_raw(archive) as raw, tarfile.open(fileobj=cast(BinaryIO, _Guarded(raw)), mode="r:") as tar:
                yield _of_tar(tar)
    except _DAMAGED as error:
        raise DataError(f"{archive} is not a sound tar or zip file: {error}.") from error


class _Guarded:
    """A file for `tarfile`, which would read a header of any length into memory."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.seek, self.tell = raw.seek, raw.tell

    def read(self, size: int) -> bytes:
        if size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self._raw.read(size)


def _of_tar(tar: tarfile.TarFile) -> Iterator[ArchiveMember]:
    for info in tar:
        tar.members = []  # it would keep what it knows of every file, of which there may be millions
        if info.isdir():
            yield ArchiveMember(info.name, folder=True)
        elif info.isreg():
            yield ArchiveMember(info.name, size=info.size, content=tar.extractfile(info))
        else:
            yield ArchiveMember(info.name, problem="is a link" if info.issym() or info.islnk() else "is not a file")
    # `tarfile` takes a damaged header for the end; a true end is a block of zeros.
    raw = cast(BinaryIO, tar.fileobj)
    raw.seek(tar.offset)
    if raw.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"no end and no member at byte {tar.offset:,}")
    raw.read(_LONGEST_HEADER)  # up to the checksum of a compressed file


def _of_zip(packed: zipfile.ZipFile) -> Iterator[ArchiveMember]:
    for info in packed.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & 1:
            yield ArchiveMember(info.filename, problem="is encrypted")
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            yield ArchiveMember(info.filename, problem="is a link" if kind == stat.S_IFLNK else "is not a file")
        elif info.is_dir():
            yield ArchiveMember(info.filename, folder=True)
        else:
            with packed.open(info) as content:
                yield ArchiveMember(info.filename, size=info.file_size, content=content)
