"""What the tests of akid-datasets share: a folder for data of their own, and a web server on this machine."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from akid_datasets.download import RemoteFile


@dataclass(kw_only=True)
class Served:
    """A file on the server, and how the server behaves when it is asked for it."""

    content: bytes
    kind: str = "application/octet-stream"
    ranges: bool = True
    etag: str | None = '"1"'
    date: str | None = None
    length: bool = True
    """Whether the answer says how long it is."""
    encoding: str | None = None
    cuts: list[int] = field(default_factory=list)
    """After how many bytes of their bodies the connections of the next requests are cut."""
    answers: list[int] = field(default_factory=list)
    """The statuses of the next requests; 0 for a connection that ends without an answer."""
    retry_after: str | None = None
    location: str | None = None
    pause: float = 0.0
    """Seconds between pieces of 4096 bytes."""


@dataclass(kw_only=True)
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    """Serves `files` from memory, with range requests, and remembers what it was `asked`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []

    def put(self, name: str, content: bytes, **behaviour: object) -> str:
        """Serve a file; returns its address."""
        self.files[f"/{name}"] = Served(content=content, **behaviour)
        return self.url(name)

    def offer(self, name: str, content: bytes, **behaviour: object) -> RemoteFile:
        """Serve a file; returns its description."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return RemoteFile(name, (self.put(name, content, **behaviour),), digest, size=len(content))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def ranges(self) -> list[str]:
        """The range that each request asked for; empty for the whole."""
        return [asked.headers.get("Range", "") for asked in self.asked]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.asked.append(Asked(path=self.path, headers=dict(self.headers)))
        served = self.server.files.get(self.path)
        if served is None:
            self.send_error(404)
            return
        status = served.answers.pop(0) if served.answers else 302 if served.location else 200
        if status == 0:
            return
        if status != 200:
            self.send_response(status)
            for name, value in {"Location": served.location, "Retry-After": served.retry_after}.items():
                if value is not None:
                    self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(served)

    def _send(self, served: Served) -> None:
        start, whole = self._start(served), len(served.content)
        if start > whole or (start and start == whole):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{whole}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        named = {"ETag": served.etag, "Last-Modified": served.date, "Content-Encoding": served.encoding}
        named["Content-Length"] = str(whole - start) if served.length else None
        for name, value in {"Content-Type": served.kind, **named}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        body = served.content[start:]
        for piece in range(0, len(body), 4096):
            if served.cuts and piece >= served.cuts[0]:
                served.cuts.pop(0)
                break
            self.wfile.write(body[piece : piece + 4096])
            time.sleep(served.pause)
        self.close_connection = True

    def _start(self, served: Served) -> int:
        """Where the body begins: what the range says, if it holds for this version of the file."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        holds = condition is None or condition in (served.etag, served.date)
        return int(asked[1]) if asked and served.ranges and holds else 0


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for data that no other test uses, and a network that may be used."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("AKID_DATA_DIR", str(folder))
    monkeypatch.delenv("AKID_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder
