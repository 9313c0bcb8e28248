"""Fetching: a file of a data set, from this machine where it is there, else from the network."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from akid_core.data.place import OFFLINE, VARIABLE, data_dir
from akid_core.errors import AkidWarning, DataError, MissingFilesError
from akid_datasets.download.checks import misfit
from akid_datasets.download.remote import RemoteFile, offline


def fetch(file: RemoteFile, folder: Path | None = None, places: Sequence[Path] = ()) -> Path:
    """The path of a file whose bytes are right: found in `folder` or one of `places`, else downloaded into `folder`.

    `folder` is by default `data_dir()`. Found may be the unpacked file, too: read it with `open_raw`. Of several
    processes that ask for one file, one downloads it and the others wait.
    Raises `DataError` where the file cannot be had, with what to put where by hand, `MissingFilesError` where that is
    because downloads are forbidden, and `TryAgainError` where the network failed.
    """
    return fetch_all((file,), folder, places)[0]


def fetch_all(files: Sequence[RemoteFile], folder: Path | None = None, places: Sequence[Path] = ()) -> tuple[Path, ...]:
    """The paths of several files, as `fetch`; an error names all that only the user can get."""
    folder = data_dir() if folder is None else folder
    looked = {file: _look(file, folder, places) for file in files}
    missing = [file for file, (found, _) in looked.items() if not found]
    licensed = [file for file in missing if not file.urls]
    if by_hand := licensed or (missing if offline() else []):
        wrong = [problem for file in by_hand for problem in looked[file][1]]
        are, them, their = ("is", "it", "its") if len(by_hand) == 1 else ("are", "them", "their")
        why = f"{OFFLINE} forbids to download {them}"
        if licensed:
            why = f"{their} licence wants you to get {them} yourself"
        names = [file.name for file in by_hand]
        message = (
            f"{_joined(names)} {are} not on this machine, and {why}. Looked in {_listed(folder, places)}."
            f"{_found(wrong)} {' '.join(file.by_hand(folder) for file in by_hand)}"
        )
        raise DataError(message) if licensed else MissingFilesError(message, names)
    for problem in (problem for file in missing for problem in looked[file][1]):
        warnings.warn(f"This file is not used, as it is not what it should be: {problem}.", AkidWarning, stacklevel=2)
    return tuple(found or _brought(file, folder, places) for file, (found, _) in looked.items())


def _brought(file: RemoteFile, folder: Path, places: Sequence[Path]) -> Path:
    """A file that was missing, once this process or another has downloaded it."""
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


def _joined(names: Sequence[str]) -> str:
    """'a', 'b' and 'c'."""
    quoted = [f"'{name}'" for name in names]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def _listed(folder: Path, places: Sequence[Path]) -> str:
    return ", ".join(str(place) for place in (folder, *places))


def _found(wrong: Sequence[str]) -> str:
    return f" What is there does not fit: {'; '.join(wrong)}." if wrong else ""
