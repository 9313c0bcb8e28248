"""Index: where the members of each row of a shard lie, found once and kept as an array on disk."""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from akid_core.data.place import data_dir
from akid_core.data.whole import whole_file
from akid_core.errors import DataError
from akid_datasets.shards.files import Shard, opened_shard
from akid_datasets.shards.tar import BLOCK, Readable, entries

MOST_ENDINGS = 64
"""Kinds of members of a row; more come of names that were not made for shards."""

_OPEN = 64  # indexes that are kept open at once
_FORM = "rows and digest"  # of the files of indexes; other words for another form, which is then made anew
_DIGEST = 16  # bytes
_LEFT = 86_400  # seconds for which indexes of earlier states of a shard are left to those who may read them


class Index(NamedTuple):
    """What there is in a shard. `rows`: where they lie, (rows,), mapped from disk, with a field for each ending.

    A field, such as "jpg", has the shape (rows, 2) int64: the first byte of the member, and how many there are; zeros
    where a row has none. `digest`: of the name, the size and the first 512 bytes of each member.
    """

    rows: np.ndarray
    digest: bytes


@lru_cache(maxsize=_OPEN)
def index(shard: Shard) -> Index:
    """The index of a shard, made from its headers when it is first asked for.

    Raises `DataError` for a shard that is not sound.
    """
    path = _path(shard)
    try:
        return _mapped(path)
    except (OSError, ValueError):  # not made yet, or damaged
        pass
    try:
        with opened_shard(shard) as file:
            made = build(file, shard.size)
    except ValueError as error:
        raise DataError(f"The shard {shard.url} {error}.") from error
    return _stored(made, path)


def build(file: Readable, size: int) -> Index:
    """The index of a tar archive of `size` bytes. A row is made of neighbours with one key, as `key_and_ending` says.

    Raises `ValueError` with the reason for an archive that is not sound, or has no rows.
    """
    columns: dict[str, array[int]] = {}
    rows, known = 0, None
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for name, offset, length in entries(file, size):
        key, ending = key_and_ending(name)
        if not ending:
            continue
        if key != known:
            rows, known = rows + 1, key
        column = columns.setdefault(ending, array("q"))
        if column and column[-3] == rows - 1:
            raise ValueError(f"has two members '{name}' in one row, the second at byte {offset}")
        column.extend((rows - 1, offset, length))
        if len(columns) > MOST_ENDINGS:
            raise ValueError(
                f"has more than {MOST_ENDINGS} kinds of members, such as '{ending}' of '{name}'; the name of a row "
                "ends at the first point, and what follows must be the same in all rows"
            )
        file.seek(offset)
        digest.update(f"{name} {length} ".encode() + file.read(min(length, BLOCK)))
    if not rows:
        raise ValueError("has no rows: none of its members is named like 'name.ending'")
    table = np.zeros(rows, [(ending, "<i8", (2,)) for ending in sorted(columns)])
    for ending, column in columns.items():
        triples = np.frombuffer(column, np.int64).reshape(-1, 3)
        table[ending][triples[:, 0]] = triples[:, 1:]
    return Index(table, digest.digest())


def key_and_ending(name: str) -> tuple[str, str]:
    """What the name of a member says: the row, up to the first point of the last part; and what it is, in lower case.

    Both empty for members that belong to no row: without a point, hidden, or for notes on the shard (`__name__`).
    """
    folder, slash, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    if not stem or not ending or (stem.startswith("__") and stem.endswith("__")):
        return "", ""
    return f"{folder}{slash}{stem}", ending.lower()


def _path(shard: Shard) -> Path:
    """Where the index of a shard is kept: under its place, and the state of it that was indexed."""
    place = hashlib.blake2b(shard.url.encode(), digest_size=16).hexdigest()
    state = hashlib.blake2b(f"{_FORM} {shard.size} {shard.version}".encode(), digest_size=8).hexdigest()
    return data_dir() / "shards" / f"{place}-{state}.npy"


def _mapped(path: Path) -> Index:
    """An index in its file: the rows as an npy file has them, and after them the digest."""
    rows: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    with path.open("rb") as file:
        file.seek(-_DIGEST, os.SEEK_END)
        return Index(rows, file.read())


def _stored(made: Index, path: Path) -> Index:
    """Keep an index, as a whole or not at all, and map it; those of states that are long gone go."""
    try:
        with whole_file(path) as file:
            np.save(file, made.rows)
            file.write(made.digest)
        kept = _mapped(path)
        for other in path.parent.glob(f"{path.name.partition('-')[0]}-*.npy"):
            # Another process may just have made the index of a state that it found before or after this one.
            with suppress(OSError):
                if other != path and time.time() - other.stat().st_mtime > _LEFT:
                    other.unlink()
    except OSError as error:
        raise DataError(
            f"The index of a shard cannot be kept as {path}: {error.strerror or error}. AKID_DATA_DIR names another "
            "folder for what is computed from data sets."
        ) from error
    return kept
