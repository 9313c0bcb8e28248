"""Tar: where the files in an archive lie, found from the headers alone.

The formats are those of POSIX.1-2008 (ustar and pax) and the extensions of GNU tar for long names and large files.
Nothing is unpacked, and a name is never used as a path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

BLOCK = 512
"""Headers, and the contents of files with what fills them up, are multiples of so many bytes."""

_FILES, _FOLDER, _LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL = (b"0", b"\0", b"7"), b"5", b"L", b"K", b"x", b"g"
_OTHERS = {b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe", b"S": "a sparse file"}
_LONGEST = 1 << 20  # bytes of a name or of extended headers; what says it has more is damaged
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class Readable(Protocol):
    """What is read from any place."""

    def seek(self, place: int, /) -> object: ...

    def read(self, size: int, /) -> bytes: ...


class Entry(NamedTuple):
    """A file in an archive: its name, and where its content begins and how long it is, in bytes."""

    name: str
    offset: int
    size: int


def entries(file: Readable, size: int) -> Iterator[Entry]:
    """The files of an archive of `size` bytes, in order; folders are passed over.

    Raises `ValueError` with the reason, and the byte, for an archive that is cut short, damaged or packed, and for a
    member that is neither file nor folder.
    """
    place, name, length = 0, "", -1  # the last two: what extended headers say of the next member
    while header := _header(file, place, size):
        content, kind, long = place + BLOCK, header[156:157], _number(header[124:136], place)
        if kind in (*_FILES, b"S") and length >= 0:
            long = length
        shown = name or member_name(header)
        place = content + -(-long // BLOCK) * BLOCK
        if content + long > size:
            raise ValueError(f"is cut short: its member '{shown}' reaches to byte {content + long} of {size}")
        if kind in (_LONG_NAME, _EXTENDED):
            said = _read(file, content, long)
            if kind == _LONG_NAME:
                name = _text(said)
            else:
                name, length = _extended(said, content, name, length)
        elif kind not in (_LONG_LINK, _GLOBAL):
            if kind in _OTHERS:
                raise ValueError(f"has {_OTHERS[kind]}, '{shown}', at byte {content - BLOCK}; shards hold plain files")
            if kind != _FOLDER:
                yield Entry(shown, content, long)
            name, length = "", -1


def member_name(header: bytes) -> str:
    """The name in a header; long names are cut off in some formats."""
    name, prefix = _text(header[:100]), _text(header[345:500])
    return f"{prefix}/{name}" if prefix and header[257:263] == b"ustar\0" else name


def _header(file: Readable, place: int, size: int) -> bytes:
    """The header at a byte of an archive; empty at its end. Raises `ValueError` for anything else."""
    file.seek(place)
    header = file.read(BLOCK)
    if place == 0:
        packed = next((name for magic, name in _PACKED.items() if header.startswith(magic)), "")
        if packed:
            raise ValueError(f"is packed with {packed}; unpack it, as rows are read from their place in the archive")
    if len(header) < BLOCK:
        raise ValueError(f"is cut short: it ends at byte {size}, without the blocks of zeros that mark the end")
    total = sum(header[:148]) + 8 * 32 + sum(header[156:])  # the field of the sum itself counts as spaces
    if total == 8 * 32:
        return b""
    if total != _number(header[148:156], place):
        raise ValueError(f"is no tar archive, or damaged: at byte {place} is no header of a member")
    return header


def _read(file: Readable, place: int, size: int) -> bytes:
    if size > _LONGEST:
        raise ValueError(f"is damaged: the header at byte {place - BLOCK} announces {size} bytes of names and notes")
    file.seek(place)
    return file.read(size)


def _number(field: bytes, place: int) -> int:
    """A number in a header: octal digits, or for large ones (GNU) bytes after one with the highest bit set."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):  # int() would take signs, too, and a negative size leads back
        raise ValueError(f"is no tar archive, or damaged: the header at byte {place} has no sound number")
    return int(digits or b"0", 8)


def _extended(said: bytes, place: int, name: str, length: int) -> tuple[str, int]:
    """The name and the size of the next member as pax records say them, "length key=value" each; else as given."""
    while said:
        count = said.partition(b" ")[0]
        if not count.isdigit() or not len(count) + 1 < int(count) <= len(said):
            raise ValueError(f"is damaged: the extended header at byte {place} has no sound record")
        key, _, value = said[len(count) + 1 : int(count) - 1].partition(b"=")
        if key == b"path":
            name = _text(value)
        elif key == b"size" and value.isdigit():
            length = int(value)
        elif key.startswith(b"GNU.sparse"):
            raise ValueError(f"has a sparse file at byte {place - BLOCK}; shards hold plain files")
        said = said[int(count) :]
    return name, length


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
