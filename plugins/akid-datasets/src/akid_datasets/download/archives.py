"""Archives: tar and zip files, unpacked without trusting them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from filelock import FileLock

from akid_core.errors import DataError
from akid_datasets.download.members import ArchiveMember, opened_archive

STAMP = ".unpacked.json"
"""The file in an unpacked folder that says which archive it came from."""

_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may unpack to: bytes, members, and times its own size, which counts beyond `small` bytes."""

    bytes: int = 1 << 40
    files: int = 5_000_000
    ratio: int = 200
    small: int = 1 << 28


def extract(archive: Path, into: Path, *, limits: Limits | None = None) -> Path:
    """Unpack a tar (plain, gzip, bzip2, xz) or zip file as the folder `into`, which exists when it is complete.

    A second call costs nothing unless the archive has changed. Modes, owners and times are not taken over.
    Raises `DataError`, and leaves nothing behind, for a member that would lie elsewhere (an absolute path, "..") or is
    no file (a link, a device), for one that occurs twice, for more than `limits` allow, and for a damaged archive.
    """
    try:
        state = _state(archive)
        if _stamped(into) != state:
            into.parent.mkdir(parents=True, exist_ok=True)
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
    own = archive.stat().st_size
    most, written = min(limits.bytes, max(limits.small, limits.ratio * own)), 0
    with opened_archive(archive) as members:
        for count, member in enumerate(members, start=1):
            _check(member, archive)
            if count > limits.files:
                raise DataError(f"{archive} is not unpacked: it has more than {limits.files:,} members.")
            written += member.size
            if written > most:
                raise DataError(
                    f"{archive} is not unpacked: with '{member.name}' it would have more than {most:,} bytes, too many "
                    f"for the {own:,} of its own."
                )
            if member.folder:
                (into / member.name).mkdir(parents=True, exist_ok=True)
            else:
                _copy(member, into / member.name, archive)


def _check(member: ArchiveMember, archive: Path) -> None:
    """Raise unless the member is a file or folder inside, on any platform."""
    windows, posix = PureWindowsPath(member.name), PurePosixPath(member.name)
    problem = member.problem
    if not problem and (windows.drive or windows.root):
        problem = "has an absolute path"
    if not problem and ".." in (*windows.parts, *posix.parts):
        problem = "would lie outside of the folder"
    if problem:
        raise DataError(f"{archive} is not unpacked: its member '{member.name}' {problem}.")


def _copy(member: ArchiveMember, target: Path, archive: Path) -> None:
    """Write a file, which must be as long as it says and new."""
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


def _state(archive: Path) -> dict[str, object]:
    """What tells that an archive was not written to since."""
    found = archive.stat()
    return {"archive": archive.name, "size": found.st_size, "modified": found.st_mtime_ns}


def _stamped(into: Path) -> object:
    """What the stamp of an unpacked folder says; None without one."""
    try:
        return json.loads((into / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
