"""Fetching: a file of a data set, from this machine where it is there, else from the network."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from akid_core.data.place import OFFLINE, VARIABLE, data_dir
from akid_core.errors import AkidWarning, DataError
from akid_datasets.download.checks import misfit
from akid_datasets.download.remote import RemoteFile, offline


def fetch(file: RemoteFile, folder: Path | None = None, places: Sequence[Path] = ()) -> Path:
    """The path of a file whose bytes are right: found in `folder` or one of `places`, else downloaded into `folder`.

    `folder` is by default `data_dir()`. Found may be the unpacked file, too: read it with `open_raw`. Of several
    processes that ask for one file, one downloads it and the others wait.
    Raises `DataError` where the file cannot be had, with what to put where by hand.
    """
    folder = data_dir() if folder is None else folder
    found, wrong = _look(file, folder, places)
    if found:
        return found
    if not file.urls or offline():
        why = f"{OFFLINE} forbids to download it" if file.urls else "its licence wants you to get it yourself"
        raise DataError(
            f"'{file.name}' is not on this machine, and {why}. Looked in {_listed(folder, places)}."
            f"{_found(wrong)} {file.by_hand(folder)}"
        )
    for problem in wrong:
        warnings.warn(f"This file is not used, as it is not what it should be: {problem}.", AkidWarning, stacklevel=2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".{file.name}.lock", file.name):
            found, _ = _look(file, folder, places)  # another process may have brought it meanwhile
            return found or _download(file, folder)
    except OSError as error:
        raise DataError(
            f"'{file.name}' cannot be downloaded into {folder}: {error.strerror or error}. "
            f"{VARIABLE} names another folder for data sets."
        ) from error


def locate(file: RemoteFile, folder: Path | None = None, places: Sequence[Path] = ()) -> Path | None:
    """Where on this machine the file lies with the right bytes; never downloads."""
    return _look(file, data_dir() if folder is None else folder, places)[0]


def _look(file: RemoteFile, folder: Path, places: Sequence[Path]) -> tuple[Path | None, list[str]]:
    """The first file that fits, and what is wrong with those before it that bear its name."""
    wrong: list[str] = []
    for place in (folder, *places):
        for path in (place / name for name in file.names):
            try:
                if not path.is_file():
                    continue
                reason = misfit(path, file)
            except OSError as error:
                reason = f"it cannot be read ({error.strerror or error})"
            if not reason:
                return path, wrong
            wrong.append(f"{path}: {reason}")
    return None, wrong


def _download(file: RemoteFile, folder: Path) -> Path:
    from akid_datasets.download.network import download  # its libraries take a while to import, for nothing as a rule

    return download(file, folder)


@contextlib.contextmanager
def _alone(path: Path, name: str) -> Iterator[None]:
    """Be the only process that downloads a file; a lock of the operating system, so a killed process holds none."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Waiting for another process that downloads {name}.", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _listed(folder: Path, places: Sequence[Path]) -> str:
    return ", ".join(str(place) for place in (folder, *places))


def _found(wrong: Sequence[str]) -> str:
    return f" What is there does not fit: {'; '.join(wrong)}." if wrong else ""
