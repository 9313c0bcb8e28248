"""Network: download a file, address after address, and give it its name once its bytes are right."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pooch

from akid_core.errors import DataError, TryAgainError
from akid_datasets.download.checks import believe
from akid_datasets.download.http import RefusedError, Resuming
from akid_datasets.download.part import Part
from akid_datasets.download.remote import RemoteFile


def download(file: RemoteFile, folder: Path) -> Path:
    """Try every address in turn. The file gets its name in `folder` when its bytes are right, never before.

    Raises `DataError` where no address gives it, `TryAgainError` where one might another time, and `OSError` where it
    cannot be written.
    """
    part = Part(folder / f".{file.name}.part")
    failures: list[str] = []
    for_now = False
    for url in file.urls:
        part.tidy()
        try:
            arrived = _retrieve(file, url, part)
        except RefusedError as error:
            failures.append(f"{url} ({error})")
            for_now |= error.for_now
        except OSError:
            part.discard()  # of a full disk, what fills it harms more than it helps the next attempt
            raise
        else:
            target = arrived.replace(folder / file.name)
            part.discard()
            believe(target, file)
            return target
    kept = part.size()
    if not kept:
        part.discard()
    begun = f" The {kept:,} bytes that arrived are kept, and the next attempt continues." if kept else ""
    again = "Try again when the network is back, or provide" if for_now else "Provide"
    raise (TryAgainError if for_now else DataError)(
        f"'{file.name}' could not be downloaded: {'; '.join(failures)}.{begun} {again} the file by hand. "
        f"{file.wanted(folder)}."
    )


def _retrieve(file: RemoteFile, url: str, part: Part) -> Path:
    """The file with the right bytes, in the folder of the part. Raises `RefusedError` where `url` does not give it."""
    for again in (True, False):
        downloader = Resuming(part=part, title=file.name, size=file.size)
        try:
            with _quiet(pooch.get_logger()):
                return Path(pooch.retrieve(url, file.digest, file.name, part.folder, downloader=downloader))
        except ValueError as error:  # pooch: another checksum; it has removed the file
            part.discard()
            if not (again and downloader.resumed):  # else an earlier part may be what is wrong
                raise RefusedError(f"its bytes do not have {file.digest}") from error
    raise AssertionError("the second attempt returns or raises")


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Without pooch's own lines: a progress bar and errors say it all."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
