"""Remote: shards behind a URL, through fsspec, in chunks that several readers share."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np

from akid_core.errors import DataError, TryAgainError
from akid_datasets.extras import extra
from akid_datasets.shards.files import Shard, short

CHUNK = 1 << 18
"""Bytes that are asked for at once, at multiples of as many: neighbours of a row are mostly wanted soon."""

_PAUSES = (0.5, 1.0, 2.0)  # seconds before a request is tried again
_VERSIONS = ("ETag", "etag", "md5", "Content-MD5", "mtime", "LastModified", "last_modified", "updated")

_INDEXING = 1 << 26  # bytes of all shards that are kept while their headers are read

T = TypeVar("T")


class _Chunk(NamedTuple):
    shard: Shard
    number: int


def matching_urls(pattern: str) -> list[str]:
    """The URLs that match, in the order of their names."""
    files, path = _file_system(pattern)
    return [files.unstrip_protocol(found) for found in sorted(_trying(lambda: files.glob(path), pattern))]


def state_of(url: str) -> tuple[int, str]:
    """The size of a remote file in bytes, and a text that changes with its content, as far as its server says."""
    files, path = _file_system(url)
    said = _trying(lambda: files.info(path), url)
    if said.get("size") is None:
        raise DataError(f"The server of {url} does not say how long it is, so parts of it cannot be read.")
    return int(said["size"]), " ".join(str(said[key]) for key in _VERSIONS if said.get(key))


def read_url(shard: Shard, pieces: np.ndarray, cache: int) -> list[bytes]:
    """As `files.read`."""
    return _chunks(max(1, cache // CHUNK), os.getpid()).read(shard, pieces)


class RemoteShard:
    """A remote shard to be read from front to back with jumps, as its headers lie."""

    def __init__(self, shard: Shard) -> None:
        self._shard, self._place = shard, 0

    def seek(self, place: int) -> None:
        self._place = place

    def read(self, size: int) -> bytes:
        size = max(0, min(size, self._shard.size - self._place))
        [data] = read_url(self._shard, np.array([[self._place, size]]), _INDEXING)
        return data


@lru_cache(maxsize=8)
def _chunks(most: int, process: int) -> Chunks:
    """The chunks of this process; a forked child has none of its parent's, whose locks may be held for ever."""
    return Chunks(most)


class Chunks:
    """The last `most` chunks that were read, for several threads: what one waits for, the others do not ask for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[_Chunk, Future[bytes]] = OrderedDict()  # the last used at the end
        self._lock = Lock()

    def read(self, shard: Shard, pieces: np.ndarray) -> list[bytes]:
        spans = [range(offset // CHUNK, -(-(offset + size) // CHUNK)) for offset, size in pieces.tolist()]
        wanted = sorted({number for span in spans for number in span})
        chunks = dict(zip(wanted, self._all(shard, wanted), strict=True))
        return [
            b"".join(chunks[number] for number in span)[offset - span.start * CHUNK :][:size]
            for span, (offset, size) in zip(spans, pieces.tolist(), strict=True)
        ]

    def _all(self, shard: Shard, numbers: Sequence[int]) -> list[bytes]:
        mine: dict[_Chunk, Future[bytes]] = {}
        futures = []
        with self._lock:
            for number in numbers:
                chunk = _Chunk(shard, number)
                if chunk not in self._known:
                    self._known[chunk] = mine[chunk] = Future()
                self._known.move_to_end(chunk)
                futures.append(self._known[chunk])
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        try:
            if mine:
                for future, data in zip(mine.values(), _fetched(shard, [chunk.number for chunk in mine]), strict=True):
                    future.set_result(data)
        except BaseException as error:
            with self._lock:
                for chunk, future in mine.items():
                    if self._known.get(chunk) is future:
                        del self._known[chunk]
            for future in mine.values():
                future.set_exception(error)
            raise
        return [future.result() for future in futures]


def _fetched(shard: Shard, numbers: Sequence[int]) -> list[bytes]:
    """Chunks from the server, neighbours in one request, requests at once where fsspec can."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1]:
            runs[-1][1] += 1
        else:
            runs.append([number, number + 1])
    starts = [first * CHUNK for first, _ in runs]
    ends = [min(last * CHUNK, shard.size) for _, last in runs]
    files, path = _file_system(shard.url)
    parts = _trying(lambda: files.cat_ranges([path] * len(runs), starts, ends, on_error="raise"), shard.url)
    for start, end, part in zip(starts, ends, parts, strict=True):
        if len(part) > end - start:
            raise DataError(f"The server of {shard.url} gives whole files only, and parts of it are wanted.")
        if len(part) < end - start:
            raise short(shard, start, end - start, len(part))
    return [
        part[(number - first) * CHUNK : (number - first + 1) * CHUNK]
        for (first, last), part in zip(runs, parts, strict=True)
        for number in range(first, last)
    ]


def _file_system(url: str) -> tuple[Any, str]:
    """What fsspec reads a URL with, and what that calls it; fsspec keeps one for each process."""
    fsspec = extra("fsspec", "remote")
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise DataError(f"{url} cannot be read: {error}.") from error
    return found


def _trying(ask: Callable[[], T], url: str) -> T:
    """What `ask` gives, tried again after failures of the network.

    Raises `DataError` where there is nothing to be had, `TryAgainError` where that is not known.
    """
    pauses = iter(_PAUSES)
    while True:
        try:
            return ask()
        except (FileNotFoundError, PermissionError, NotImplementedError) as error:
            raise DataError(f"{url} cannot be read: {type(error).__name__}: {error}.") from error
        except Exception as error:  # libraries behind fsspec each raise errors of their own
            pause = next(pauses, None)
            if pause is None:
                raise TryAgainError(f"{url} cannot be read just now: {type(error).__name__}: {error}.") from error
            time.sleep(pause)
