"""Shards behind a URL: read in parts from a real server, each part once, and its failures named."""

from __future__ import annotations

import math
import pickle
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from akid_core.data import Sensor, Windowed
from akid_core.errors import DataError, PluginImportError, TryAgainError
from akid_datasets import extras
from akid_datasets.shards import remote
from akid_datasets.shards.index import index
from akid_datasets.sources import shards
from akid_datasets.sources.shards import Shards

from .shard_files import write_rows

pytest.importorskip("aiohttp", reason="needs the extra remote")


class Server(ThreadingHTTPServer):
    """Serves the files of a folder, whole or in ranges; counts the bytes that it gave, and may fail for a while."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.given, self.failures, self.ranges = folder, 0, 0, True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = self.server.folder / self.path[1:]
        status, content = 200, b""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not path.is_file():
            status = 404
        elif self.server.failures and asked:
            self.server.failures -= 1
            status = 503
        else:
            content = path.read_bytes()
        headers = {"ETag": f'"{path.stat().st_mtime_ns}"'} if content else {}
        if self.server.ranges:
            headers["Accept-Ranges"] = "bytes"
            if asked and content:
                status, whole = 206, len(content)
                start, end = int(asked[1]), int(asked[2] or whole - 1)
                content = content[start : end + 1]
                headers["Content-Range"] = f"bytes {start}-{min(end, whole - 1)}/{whole}"
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.server.given += len(content)
            self.wfile.write(content)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(remote, "_PAUSES", (0.01, 0.01))
    remote._chunks.cache_clear()
    index.cache_clear()
    with Server(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_rows_are_those_of_the_files(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [20, 3, 20])
    here, there = Shards(train=f"{tmp_path}/train-*.tar"), Shards(train=server.url("train-{000..002}.tar"))
    asked = np.random.default_rng(0).integers(0, 43, 60)
    assert np.array_equal(there.rows(asked)["image"], here.rows(asked)["image"])
    assert there.rows(asked)["label"].tolist() == asked.tolist()
    again = pickle.loads(pickle.dumps(there))
    assert again.rows(np.array([42]))["label"].tolist() == [42]
    assert here.fingerprint() == there.fingerprint()


def test_an_epoch_asks_for_every_byte_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "CHUNK", 4096)
    write_rows(tmp_path, "train", [64] * 4, size=16)
    source = Shards(train=server.url("train-{000..003}.tar"), cache=200_000)
    assert len(source) == 256
    server.given = 0
    sensor = Sensor(source, batch_size=16, sampler=Windowed(block=32, blocks=2))
    rows = [sensor.batch(0, step).fields["label"] for step in range(sensor.steps_per_epoch)]
    assert sorted(np.concatenate(rows).tolist()) == list(range(256))
    whole = sum(path.stat().st_size for path in tmp_path.glob("*.tar"))
    # a chunk at either end of the 9 pieces of rows may be asked for by two windows
    assert server.given <= whole + 18 * 4096


def test_the_order_keeps_to_what_the_cache_holds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (remote, shards):
        monkeypatch.setattr(module, "CHUNK", 512)
    write_rows(tmp_path, "train", [64] * 4, size=16)
    source = Shards(train=server.url("train-{000..003}.tar"), cache=200_000)
    whole = sum(path.stat().st_size for path in tmp_path.glob("*.tar"))
    # 100,000 bytes for 16 blocks of rows of so many bytes
    assert source.order() == Windowed(block=math.ceil(6250 / (whole / 256)))
    assert Shards(train=f"{tmp_path}/train-*.tar", cache=200_000).order() == Windowed()
    assert replace(source, cache=0).order() == Windowed(block=1), "a chunk holds less than a row"
    server.given = 0
    sensor = Sensor(source, batch_size=16, sampler=source.order())
    rows = [sensor.batch(0, step).fields["label"] for step in range(sensor.steps_per_epoch)]
    assert sorted(np.concatenate(rows).tolist()) == list(range(256))
    assert server.given <= 1.2 * whole


def test_little_is_read_of_large_shards(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [1000], size=32)
    source = Shards(train=server.url("train-000.tar"))
    assert len(source) == 1000
    server.given = 0
    assert source.rows(np.array([10, 990]))["label"].tolist() == [10, 990]
    assert server.given <= 4 * remote.CHUNK < (tmp_path / "train-000.tar").stat().st_size


def test_threads_share_what_they_read(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [50])
    source = Shards(train=server.url("train-000.tar"))
    len(source)
    remote._chunks.cache_clear()
    server.given = 0
    found: list[bool] = []

    def work() -> None:
        found.append(source.rows(np.arange(50))["label"].tolist() == list(range(50)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6
    assert server.given <= (tmp_path / "train-000.tar").stat().st_size


def test_failures_that_pass_are_waited_for(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [5])
    source = Shards(train=server.url("train-000.tar"))
    server.failures = 2
    assert len(source) == 5
    remote._chunks.cache_clear()
    server.failures = 2
    assert source.rows(np.arange(5))["label"].tolist() == list(range(5))
    remote._chunks.cache_clear()
    server.failures = 3
    with pytest.raises(TryAgainError, match="train-000.tar cannot be read just now: ClientResponseError"):
        source.rows(np.arange(5))
    assert source.rows(np.arange(5))["label"].tolist() == list(range(5)), "the failure was kept"


def test_what_is_not_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="http://.*/none.tar cannot be read: FileNotFoundError"):
        len(Shards(train=server.url("none.tar")))
    with pytest.raises(DataError, match="nothing://x.tar cannot be read"):
        len(Shards(train="nothing://x.tar"))
    write_rows(tmp_path, "train", [5])
    source = Shards(train=server.url("train-000.tar"))
    len(source)
    (tmp_path / "train-000.tar").unlink()
    remote._chunks.cache_clear()
    with pytest.raises(DataError, match="train-000.tar cannot be read: FileNotFoundError"):
        source.rows(np.arange(5))


def test_a_shard_that_is_cut_short(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [5])
    path = tmp_path / "train-000.tar"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match="The shard http://.*train-000.tar is cut short"):
        len(Shards(train=server.url("train-000.tar")))


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [300], size=32)
    server.ranges = False
    with pytest.raises(DataError, match="The server of http://.*train-000.tar gives whole files only"):
        Shards(train=server.url("train-000.tar")).rows(np.arange(3))


def test_an_unsound_row_is_named(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [5])
    source = replace(Shards(train=server.url("train-000.tar")), fields={"image": "png", "number": "txt"})
    with pytest.raises(DataError, match=r"http://.*train-000.tar, the member '000000.png' \(row 0 .* no neighbour"):
        source.rows(np.arange(1))


def test_chained_urls_and_globs_of_other_file_systems(server: Server, tmp_path: Path) -> None:
    write_rows(tmp_path, "train", [4, 4])
    for url in (f"file://{tmp_path}/train-*.tar", f"simplecache::{server.url('train-{000..001}.tar')}"):
        assert Shards(train=url).rows(np.array([7, 0]))["label"].tolist() == [7, 0]


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(PluginImportError, match=r"pip install 'akid-datasets\[remote\]'"):
        len(Shards(train="https://x.example/a.tar"))
