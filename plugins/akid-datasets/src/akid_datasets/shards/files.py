"""Files: shards on this machine or elsewhere, and pieces of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar, cast

import numpy as np

from akid_core.errors import DataError
from akid_datasets.shards.patterns import expand_braces
from akid_datasets.shards.tar import Readable

T, R = TypeVar("T"), TypeVar("R")

_AT_ONCE = 16  # shards elsewhere that are looked into at once


class Shard(NamedTuple):
    """A tar archive: its path or URL, its size in bytes, and a text that changes when its content does."""

    url: str
    size: int
    version: str

    @property
    def remote(self) -> bool:
        return is_url(self.url)


def is_url(place: str) -> bool:
    """Whether a place is for fsspec, such as "https://…", "s3://…" or "simplecache::…", not a path."""
    return "://" in place or "::" in place


def find(patterns: tuple[str, ...], split: str) -> list[Shard]:
    """The shards that the patterns of a split stand for, in their order; of one with `*`, in the order of the names.

    Raises `DataError` for a pattern that nothing matches, and for a shard that is not there.
    """
    places = [place for pattern in patterns for place in _matches(pattern, split)]
    return for_each(lambda place: _state(place, split), places, at_once=any(map(is_url, places)))


def for_each(function: Callable[[T], R], items: Sequence[T], *, at_once: bool) -> list[R]:
    """The results of a function, which may be called by several threads `at_once`: waiting for servers, not working."""
    if not at_once:
        return list(map(function, items))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(function, items))


@contextmanager
def opened_shard(shard: Shard) -> Iterator[Readable]:
    """A shard to be read from front to back with jumps, as its headers lie."""
    if shard.remote:
        from akid_datasets.shards.remote import RemoteShard

        yield RemoteShard(shard)
    else:
        with _opened_file(shard) as file:
            yield file


def read(shard: Shard, pieces: np.ndarray, cache: int) -> list[bytes]:
    """The bytes of `pieces` (n, 2): the first byte of each, and how many there are.

    `cache`: how many bytes of remote shards this process keeps. The file is open for this call alone, so that threads
    and processes have nothing in common. Raises `DataError` where the shard is not what it was when it was found.
    """
    if shard.remote:
        from akid_datasets.shards.remote import read_url

        return read_url(shard, pieces, cache)
    with _opened_file(shard) as file:
        _check_unchanged(file, shard)
        return [_piece(file, shard, *piece) for piece in pieces.tolist()]


def short(shard: Shard, offset: int, size: int, found: int) -> DataError:
    """The error for a shard that gives less than its index says."""
    return DataError(
        f"The shard {shard.url} has {found} instead of {size} bytes at byte {offset}: it was cut short while it was "
        "read."
    )


def _check_unchanged(file: BinaryIO, shard: Shard) -> None:
    found = os.fstat(file.fileno())
    if (found.st_size, str(found.st_mtime_ns)) != (shard.size, shard.version):
        raise DataError(f"The shard {shard.url} was changed after it was found; make the source anew.")


def _piece(file: BinaryIO, shard: Shard, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise short(shard, offset, size, len(data))
    return data


def _opened_file(shard: Shard) -> BinaryIO:
    try:
        file = Path(shard.url).open("rb")  # noqa: SIM115  (the caller closes it)
    except OSError as error:
        raise DataError(f"The shard {shard.url} cannot be read: {error.strerror or error}.") from error
    return cast(BinaryIO, file)


def _matches(pattern: str, split: str) -> list[str]:
    found: list[str] = []
    for place in expand_braces(pattern):
        if is_url(place):
            from akid_datasets.shards.remote import matching_urls

            found += matching_urls(place) if "*" in place else [place]
        else:
            path = str(Path(place).expanduser())
            literal = Path(path).exists() or not glob.has_magic(path)
            found += [path] if literal else sorted(map(str, _matching_files(path)))
    if not found:
        raise DataError(
            f"No shards match '{pattern}', which the split '{split}' asks for; the folder it is meant from is "
            f"{Path.cwd()}."
        )
    return found


def _matching_files(pattern: str) -> Iterable[Path]:
    root = Path(pattern).anchor
    return Path(root).glob(pattern[len(root) :])


def _state(place: str, split: str) -> Shard:
    if is_url(place):
        from akid_datasets.shards.remote import state_of

        return Shard(place, *state_of(place))
    try:
        found = Path(place).stat()
    except OSError as error:
        raise DataError(
            f"The shard {place} of the split '{split}' cannot be read: {error.strerror or error}."
        ) from error
    return Shard(str(Path(place).absolute()), found.st_size, str(found.st_mtime_ns))
