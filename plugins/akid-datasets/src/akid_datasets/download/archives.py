"""Archives: tar and zip files, unpacked without trusting them."""

from __future__ import annotations

import contextlib
import json
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from filelock import FileLock

from akid_core.errors import DataError
from akid_datasets.download.checks import BROKEN

STAMP = ".unpacked.json"
"""The file in an unpacked folder that says which archive it came from."""

_CHUNK = 1 << 20
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, NotImplementedError, *BROKEN)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may unpack to: bytes, members, and times its own size (which counts beyond `free` bytes)."""

    bytes: int = 1 << 40
    files: int = 5_000_000
    ratio: int = 200
    free: int = 1 << 28


@dataclass(frozen=True)
class _Member:
    """A folder or a file of an archive; `problem` says why it is neither."""

    name: str
    folder: bool
    size: int
    content: IO[bytes] | None
    problem: str = ""


def extract(archive: Path, into: Path, *, limits: Limits | None = None) -> Path:
    """Unpack a tar (plain, gzip, bzip2, xz) or zip file as the folder `into`, which exists when it is complete.

    A second call costs nothing unless the archive has changed. Modes, owners and times are not taken over.
    Raises `DataError`, and leaves nothing behind, for a member that would lie elsewhere (an absolute path, "..") or is
    no file (a link, a device), for one that occurs twice, for more than `limits` allow, and for a damaged archive.
    """
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        state = _state(archive)
        with FileLock(into.parent / f".{into.name}.lock"):
            if _stamped(into) != state:
                _replace(archive, into, limits or Limits(), state)
    except OSError as error:
        raise DataError(f"{archive} cannot be unpacked into {into}: {error.strerror or error}.") from error
    return into


def _replace(archive: Path, into: Path, limits: Limits, state: dict[str, object]) -> None:
    """Unpack beside `into`, then take its place: the folder of an older archive goes, one of the user's stays."""
    if into.exists() and _stamped(into) is None and any(into.iterdir()):
        raise DataError(f"{archive} is not unpacked into {into}, which holds other files. Move them, or name another.")
    temporary = into.parent / f".{into.name}.unpacking"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        _unpack(archive, temporary, limits)
        (temporary / STAMP).write_text(json.dumps(state), encoding="utf-8")
        if into.exists():
            shutil.rmtree(into)
        temporary.rename(into)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _unpack(archive: Path, into: Path, limits: Limits) -> None:
    most = min(limits.bytes, max(limits.free, limits.ratio * archive.stat().st_size))
    written = 0
    with _opened(archive) as members:
        for count, member in enumerate(members, start=1):
            _check(member, archive)
            if count > limits.files:
                raise DataError(f"{archive} has more than the {limits.files:,} members that are allowed.")
            if written + member.size > most:
                raise DataError(
                    f"{archive} would unpack to more than {most:,} bytes, at '{member.name}'; with "
                    f"{archive.stat().st_size:,} bytes of its own it is taken for a bomb."
                )
            target = into / member.name
            if member.folder:
                target.mkdir(parents=True, exist_ok=True)
            else:
                written += _copy(member, target, archive)


def _check(member: _Member, archive: Path) -> None:
    """Raise unless the member is a file or folder inside."""
    windows, posix = PureWindowsPath(member.name), PurePosixPath(member.name)
    problem = member.problem
    if not problem and (windows.drive or windows.root or posix.is_absolute()):
        problem = "has an absolute path"
    if not problem and ".." in (*windows.parts, *posix.parts):
        problem = "would lie outside of the folder"
    if problem:
        raise DataError(f"{archive} is not unpacked: its member '{member.name}' {problem}.")


def _copy(member: _Member, target: Path, archive: Path) -> int:
    """Write a file as long as it says, and return its bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    try:
        with target.open("xb") as handle:
            while left and member.content and (chunk := member.content.read(min(left, _CHUNK))):
                left -= handle.write(chunk)
    except FileExistsError:
        raise DataError(f"{archive} is not unpacked: its member '{member.name}' occurs twice.") from None
    if left:
        raise DataError(f"{archive} is cut short: '{member.name}' lacks {left:,} of its {member.size:,} bytes.")
    return member.size


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[Iterator[_Member]]:
    """The members of an archive, each to be read before the next."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened)
        else:
            with tarfile.open(archive, "r:*") as tar:
                yield _tar_members(tar)
    except _DAMAGED as error:
        raise DataError(f"{archive} is no sound tar or zip file: {error}. Remove it and fetch it again.") from error


def _tar_members(opened: tarfile.TarFile) -> Iterator[_Member]:
    for info in opened:
        kinds = {"is a link": info.issym() or info.islnk(), "is no file": not (info.isreg() or info.isdir())}
        problem = next((kind for kind, true in kinds.items() if true), "")
        content = opened.extractfile(info) if info.isreg() else None
        yield _Member(info.name, info.isdir(), info.size if info.isreg() else 0, content, problem)


def _zip_members(opened: zipfile.ZipFile) -> Iterator[_Member]:
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        problem = "is a link" if kind == stat.S_IFLNK else "is encrypted" if info.flag_bits & 1 else ""
        if not problem and kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problem = "is no file"
        if problem or info.is_dir():
            yield _Member(info.filename, info.is_dir(), 0, None, problem)
            continue
        with opened.open(info) as content:
            yield _Member(info.filename, False, info.file_size, content)


def _state(archive: Path) -> dict[str, object]:
    found = archive.stat()
    return {"archive": archive.name, "size": found.st_size, "modified": found.st_mtime_ns}


def _stamped(into: Path) -> object:
    """What the stamp of an unpacked folder says; None without one."""
    try:
        return json.loads((into / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
