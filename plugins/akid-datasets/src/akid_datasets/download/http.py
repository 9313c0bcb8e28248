"""Resuming: a downloader for pooch that survives cut connections and continues where an earlier process stopped."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import requests
import urllib3
from tqdm import tqdm

from akid_datasets.download.part import Origin, Part

CHUNK = 1 << 16
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and without a byte."""

_BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others in a moment."""

_ABSENT = (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.SSLError)
"""Where nothing has arrived yet, a sign that there is no network, or no way to this server: not worth waiting."""

_LONGEST_PAUSE = 60.0


class RefusedError(Exception):
    """An address does not give the file; another may. `for_now`: so may this one, another time."""

    for_now = False


class AbsentError(RefusedError):
    """There is no network, or no way to this server."""

    for_now = True


class CutError(RefusedError):
    """An address stopped giving the file; it may go on after `pause` seconds."""

    for_now = True

    def __init__(self, reason: str, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(kw_only=True)
class Resuming:
    """Fill `part` from an address, then give it the name that pooch asks for.

    A part is continued by a range request (RFC 9110, section 14) that holds only for the same version of the file
    (`If-Range`); from another address, only where the file has the same length there. `size`: the bytes the file must
    have; `title`: what the progress bar calls it. After `retries` failures in a row that brought nothing new it gives
    up; the pauses between begin with `pause` seconds and double. `resumed` says whether an earlier part was used.
    Raises `RefusedError`, and `OSError` where the file cannot be written.
    """

    part: Part
    title: str
    size: int | None = None
    retries: int = 5
    pause: float = 0.5
    resumed: bool = field(default=False, init=False)

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        failures, reached = 0, self.part.size()
        with requests.Session() as session:
            while not self._complete():
                try:
                    self._transfer(session, url)
                except CutError as cut:
                    size = self.part.size()
                    failures = 1 if size > reached else failures + 1
                    reached = max(reached, size)
                    if failures > self.retries:
                        raise
                    sleep(max(cut.pause, self.pause * 2 ** (failures - 1)))
                else:
                    break
        os.replace(self.part.data, output_file)  # noqa: PTH105 - pooch names it by a string

    def _complete(self) -> bool:
        """Whether the part is whole already: a process ended between the last byte and the final name."""
        size = self.part.size()
        complete = size > 0 and size == self.part.origin().total
        self.resumed |= complete
        return complete

    def _transfer(self, session: requests.Session, url: str) -> None:
        """One request: what it brings is added to the part. Raises `CutError` where that is not all."""
        offset = self.part.size()
        with self._ask(session, url, offset) as response:
            chunks = _chunks(response)
            if response.status_code == 206:
                self._check_range(response, offset)
            else:
                first = next(chunks, b"")
                length = _length(response)
                self._check_start(first, length)
                origin = Origin(url, _validator(response), self.size if length is None else length)
                self.part.begin(origin)
                chunks, offset = itertools.chain((first,), chunks), 0
            self._write(chunks, offset)
        total, size = self.part.origin().total, self.part.size()
        if total is not None and size != total:
            raise CutError(f"the connection ended after {size:,} of {total:,} bytes")

    def _ask(self, session: requests.Session, url: str, offset: int) -> requests.Response:
        """The answer to a request for the bytes from `offset` on, its body unread."""
        origin = self.part.origin()
        headers = {"Accept-Encoding": "identity"}  # or a server may compress what is to be counted in bytes
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if origin.url == url and origin.validator:
                headers["If-Range"] = origin.validator
        try:
            response = session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
        except (requests.ConnectionError, requests.Timeout) as error:
            cause = _cause(error)
            absent = isinstance(error, _ABSENT) or isinstance(cause, urllib3.exceptions.NewConnectionError)
            raise (AbsentError if absent and not offset else CutError)(f"no answer: {cause}") from error
        except requests.RequestException as error:
            raise RefusedError(str(error)) from error
        status = response.status_code
        if status == 200 or (status == 206 and offset):
            return response
        response.close()
        answer = f"the server answered {status} {response.reason}"
        if status == 416:  # the part has all bytes there are, or more: of a short copy, or of another version
            self.part.discard()
            self._check_length(_whole(response))
            raise CutError(answer)
        if status in _BUSY:
            raise CutError(answer, _retry_after(response))
        raise RefusedError(answer)

    def _check_range(self, response: requests.Response, offset: int) -> None:
        """Raise unless the answer continues the part."""
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
        whole, total = _whole(response), self.part.origin().total
        if not goes_on or (None not in (whole, total) and whole != total):
            self.part.discard()
            raise CutError("the file has changed since a part of it was downloaded")
        self.resumed = True

    def _check_start(self, first: bytes, length: int | None) -> None:
        """Raise where the first bytes or the length cannot be those of the file."""
        page = first[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))
        if page and not self.title.endswith((".html", ".htm")):
            raise RefusedError("the server gave a web page instead of the file")
        self._check_length(length)

    def _check_length(self, length: int | None) -> None:
        if length is not None and self.size not in (None, length):
            raise RefusedError(f"the file has {length:,} bytes there instead of {self.size:,}")

    def _write(self, chunks: Iterator[bytes], offset: int) -> None:
        """Add the chunks to the part, which has `offset` bytes so far."""
        total = self.part.origin().total
        free = shutil.disk_usage(self.part.folder).free
        if total is not None and free < total - offset:
            needed = f"{total - offset:,} bytes are needed and {free:,} are free"
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: {needed}")
        bar = tqdm(desc=self.title, total=total, initial=offset, unit="B", unit_scale=True, leave=False, disable=None)
        with bar, self.part.data.open("ab") as handle:
            for chunk in chunks:
                offset += len(chunk)
                if total is not None and offset > total:
                    self.part.discard()
                    raise RefusedError(f"the server sends more than the {total:,} bytes of the file")
                handle.write(chunk)
                bar.update(len(chunk))
            handle.flush()
            os.fsync(handle.fileno())


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as the server sent it: a `.gz` with `Content-Encoding: gzip` stays packed."""
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise CutError(f"the connection was cut: {_cause(error)}") from error


def _length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _whole(response: requests.Response) -> int | None:
    """The bytes of the whole file, where the answer has a part or none of it."""
    total = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(total[1]) if total else None


def _validator(response: requests.Response) -> str:
    """What `If-Range` may hold: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _retry_after(response: requests.Response) -> float:
    """The seconds that a busy server asks to wait, within reason."""
    seconds = response.headers.get("Retry-After", "")
    return min(float(seconds), _LONGEST_PAUSE) if seconds.isdigit() else 0.0


def _cause(error: BaseException) -> BaseException:
    """The innermost cause, which is what a user understands."""
    while isinstance(inner := getattr(error, "reason", None) or (error.args and error.args[-1]), BaseException):
        error = inner
    return error
