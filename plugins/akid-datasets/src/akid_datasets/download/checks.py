"""Checks: whether a file on this machine has the bytes that it should have, found out once."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import BinaryIO

from akid_core.data.place import data_dir
from akid_core.data.whole import whole_file
from akid_datasets.download.remote import RemoteFile
from akid_datasets.formats.contents import BROKEN, open_raw

_CHUNK = 1 << 20


def misfit(path: Path, file: RemoteFile) -> str:
    """Why the file at `path` is not `file`; empty where it is. What was found right is not read again until it changes.

    Raises `OSError` where it cannot be read.
    """
    state = _state(path, file)
    stamp = _stamp(path)
    if _read(stamp) == state:
        return ""
    reason = _compare(path, file)
    if not reason:
        _write(stamp, state)
    return reason


def believe(path: Path, file: RemoteFile) -> None:
    """Remember that the file at `path` is `file`, as whoever brought it has just found out."""
    _write(_stamp(path), _state(path, file))


def _compare(path: Path, file: RemoteFile) -> str:
    size = path.stat().st_size
    if not file.raw_digest and file.size not in (None, size):
        return f"it has {size:,} bytes instead of {file.size:,}"
    with path.open("rb") as handle:
        digest = _digest(handle, file.digest)
    if digest == file.digest:
        return ""
    if not file.raw_digest:
        return f"it has {digest} instead of {file.digest}"
    try:
        with open_raw(path) as handle:
            raw = _digest(handle, file.raw_digest)
    except BROKEN as error:
        return f"it cannot be unpacked ({error})"
    return "" if raw == file.raw_digest else f"its content has {raw} instead of {file.raw_digest}"


def _digest(handle: BinaryIO, like: str) -> str:
    """The digest of all that `handle` reads, by the algorithm of `like`."""
    algorithm = like.partition(":")[0]
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while chunk := handle.read(_CHUNK):
        digest.update(chunk)
    return f"{algorithm}:{digest.hexdigest()}"


def _state(path: Path, file: RemoteFile) -> dict[str, object]:
    """What tells that a file was not written to since, and what it was compared with."""
    stat = path.stat()
    return {
        "path": str(path.absolute()),
        "size": stat.st_size,
        "modified": stat.st_mtime_ns,
        "digests": [file.digest, file.raw_digest],
    }


def _stamp(path: Path) -> Path:
    """Where the finding on a file is kept: never beside it, as its folder may not be ours."""
    key = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:32]
    return data_dir() / ".verified" / f"{key}.json"


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(stamp: Path, state: dict[str, object]) -> None:
    """Keep a finding. Where nothing can be written, the file is read again next time."""
    with contextlib.suppress(OSError), whole_file(stamp) as file:
        file.write(json.dumps(state).encode())
