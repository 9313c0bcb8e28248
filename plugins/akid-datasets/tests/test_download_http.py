"""Downloading over connections that break, from servers that change their mind, onto disks that are full."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from akid_core.errors import DataError, TryAgainError
from akid_datasets.download import fetch, http

pytestmark = pytest.mark.usefixtures("data_folder")

CONTENT = hashlib.shake_128(b"numbers").digest(100_000)
OTHER = hashlib.shake_128(b"others").digest(100_000)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which are not waited for."""
    waited: list[float] = []
    monkeypatch.setattr(http, "sleep", waited.append)
    return waited


def left(folder: Path) -> list[str]:
    """What lies in the folder beside the file and its lock."""
    return [path.name for path in folder.iterdir() if path.name not in ("numbers", ".numbers.lock")]


def test_a_cut_connection_is_continued(server, pauses: list[float], tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, cuts=[40_960, 20_480, 4_096])
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges() == ["", "bytes=40960-", "bytes=61440-", "bytes=65536-"]
    assert [asked.headers.get("If-Range") for asked in server.asked] == [None, '"1"', '"1"', '"1"']
    assert pauses == [0.5, 0.5, 0.5]  # each attempt brought something
    assert left(tmp_path) == []


def test_what_arrived_is_kept_for_the_next_attempt(server, pauses: list[float], tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, cuts=[40_960, 0, 0, 0, 0, 0])
    with pytest.raises(TryAgainError) as caught:
        fetch(file, tmp_path)
    assert "the connection was cut" in str(caught.value)
    assert "The 40,960 bytes that arrived are kept, and the next attempt continues." in str(caught.value)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert not (tmp_path / "numbers").exists()
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges()[-1] == "bytes=40960-"
    assert left(tmp_path) == []


def test_a_mirror_continues_what_another_began(server, pauses: list[float], tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, cuts=[40_960, 0, 0, 0, 0, 0])
    mirror = server.put("mirror", CONTENT, etag='"another"')
    assert fetch(replace(file, urls=(*file.urls, mirror)), tmp_path).read_bytes() == CONTENT
    assert server.ranges()[-1] == "bytes=40960-"
    assert "If-Range" not in server.asked[-1].headers


def test_a_mirror_with_another_file_is_not_mixed_in(server, pauses: list[float], tmp_path: Path) -> None:
    """Of the same length, so that the checksum alone tells; then of another."""
    for other in (OTHER, OTHER + b"more"):
        file = server.offer("numbers", CONTENT, cuts=[40_960, 0, 0, 0, 0, 0])
        mirror, last = server.put("mirror", other), server.put("last", CONTENT)
        fetched = fetch(replace(file, urls=(*file.urls, mirror, last), size=None), tmp_path)
        assert fetched.read_bytes() == CONTENT
        fetched.unlink()


def test_several_threads_at_once(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, pause=0.005)
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(file, tmp_path), range(4)))
    assert paths == [tmp_path / "numbers"] * 4
    assert len(server.asked) == 1


def test_a_server_without_ranges(server, pauses: list[float], tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, ranges=False, cuts=[40_960, 4_096])
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges() == ["", "bytes=40960-", "bytes=4096-"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"etag": '"old"'}, {"etag": '"new"'}),
        ({"etag": 'W/"old"', "date": "Mon, 01 Jan 2024 00:00:00 GMT"}, {"date": "Tue, 02 Jan 2024 00:00:00 GMT"}),
        ({"etag": None}, {"etag": None}),
    ],
    ids=["etag", "date", "neither"],
)
def test_a_file_that_changes_meanwhile(
    server, pauses: list[float], tmp_path: Path, before: dict[str, object], after: dict[str, object]
) -> None:
    """The beginning of the old version is thrown away, even where nothing but the checksum tells them apart."""
    server.put("numbers", OTHER, cuts=[40_960, 0, 0, 0, 0, 0], **before)
    file = replace(server.offer("new", CONTENT), name="numbers", urls=(server.url("numbers"),))
    with pytest.raises(TryAgainError, match="40,960 bytes that arrived are kept"):
        fetch(file, tmp_path)
    server.put("numbers", CONTENT, **after)
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert left(tmp_path) == []


@pytest.mark.parametrize("length", [100_004, 30_000], ids=["longer", "shorter"])
def test_a_file_that_changes_its_length(server, pauses: list[float], tmp_path: Path, length: int) -> None:
    server.put("numbers", OTHER, cuts=[40_960, 0, 0, 0, 0, 0], etag=None)
    content = hashlib.shake_128(b"numbers").digest(length)
    file = replace(server.offer("new", content), name="numbers", urls=(server.url("numbers"),), size=None)
    with pytest.raises(TryAgainError, match="40,960 bytes that arrived are kept"):
        fetch(file, tmp_path)
    server.put("numbers", content, etag=None)
    assert fetch(file, tmp_path).read_bytes() == content


def test_a_part_that_was_damaged(server, pauses: list[float], tmp_path: Path) -> None:
    """For example by a machine that lost its power: the file is downloaded once more, whole."""
    file = server.offer("numbers", CONTENT, cuts=[40_960, 0, 0, 0, 0, 0])
    with pytest.raises(TryAgainError):
        fetch(file, tmp_path)
    part = tmp_path / ".numbers.part"
    (part / "data").write_bytes(bytes(40_960))
    (part / "tmp1234").write_bytes(b"left by a killed process")
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    (tmp_path / "numbers").unlink()
    part.mkdir()
    (part / "data").write_bytes(CONTENT[:4096])
    (part / "origin.json").write_text('{"url": ')
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges()[-2:] == ["", ""]
    assert left(tmp_path) == []


def test_a_part_that_is_whole(server, tmp_path: Path) -> None:
    """A process was killed between the last byte and the final name."""
    file = server.offer("numbers", CONTENT)
    part = http.Part(tmp_path / ".numbers.part")
    part.begin(http.Origin(file.urls[0], '"1"', 100_000))
    part.data.write_bytes(CONTENT)
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.asked == []


def test_a_truncated_file(server, pauses: list[float], tmp_path: Path) -> None:
    """The server's own copy is short, and it says so; or it does not, and is asked for the rest."""
    file = server.offer("numbers", CONTENT)
    server.put("numbers", CONTENT[:-1])
    with pytest.raises(DataError, match="the file has 99,999 bytes there instead of 100,000"):
        fetch(file, tmp_path)
    server.put("numbers", CONTENT[:-1], length=False)
    with pytest.raises(DataError, match="the file has 99,999 bytes there instead of 100,000"):
        fetch(file, tmp_path)
    with pytest.raises(DataError, match="its bytes do not have sha256:"):
        fetch(replace(file, size=None), tmp_path)
    assert not (tmp_path / "numbers").exists()
    server.put("numbers", CONTENT, length=False, cuts=[40_960])
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT)
    server.put("numbers", OTHER)
    with pytest.raises(DataError, match="its bytes do not have sha256:"):
        fetch(file, tmp_path)
    assert not (tmp_path / "numbers").exists()
    assert left(tmp_path) == []
    assert len(server.asked) == 1


def test_wrong_bytes_over_a_bad_connection_end_at_the_mirror(server, pauses: list[float], tmp_path: Path) -> None:
    good, bad = server.offer("numbers", CONTENT), server.put("other", OTHER, cuts=[40_960] * 50)
    file = replace(good, urls=(bad, *good.urls))
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 7  # twice three pieces, then the mirror
    assert left(tmp_path) == []


def test_a_server_that_sends_more_than_the_file(server, tmp_path: Path) -> None:
    file = replace(server.offer("numbers", CONTENT * 3, length=False), size=len(CONTENT))
    with pytest.raises(DataError, match="the server sends more than the 100,000 bytes of the file"):
        fetch(file, tmp_path)
    assert left(tmp_path) == []


def test_a_web_page_amid_a_download_does_not_cost_the_part(server, pauses: list[float], tmp_path: Path) -> None:
    """As of a network that wants a login."""
    file = server.offer("numbers", CONTENT, cuts=[40_960])
    server.files["/numbers"].cuts += [0] * 5
    with pytest.raises(TryAgainError):
        fetch(file, tmp_path)
    server.put("numbers", b"<!doctype html>", ranges=False)
    with pytest.raises(DataError, match=r"a web page instead of the file\)\. The 40,960 bytes that arrived are kept"):
        fetch(file, tmp_path)
    server.put("numbers", CONTENT)
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.ranges()[-1] == "bytes=40960-"


def test_a_busy_server(server, pauses: list[float], tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT, answers=[503, 0, 500])
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert pauses == [0.5, 1.0, 2.0]
    server.put("numbers", CONTENT, answers=[429] * 6)
    with pytest.raises(TryAgainError, match="the server answered 429 Too Many Requests"):
        fetch(file, tmp_path / "again")


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("3600", 60.0), ("soon", 0.5)])
def test_how_long_a_busy_server_asks_to_wait(
    server, pauses: list[float], tmp_path: Path, asked: str, waited: float
) -> None:
    file = server.offer("numbers", CONTENT, answers=[503], retry_after=asked)
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert pauses == [waited]


def test_packed_bytes_stay_packed(server, tmp_path: Path) -> None:
    """Some servers call a `.gz` file an encoding of the unpacked one."""
    content = gzip.compress(CONTENT)
    file = server.offer("numbers", content, encoding="gzip")
    assert fetch(file, tmp_path).read_bytes() == content
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


def test_no_wait_where_nobody_answers(pauses: list[float], server, tmp_path: Path) -> None:
    file = replace(server.offer("numbers", CONTENT), urls=("http://127.0.0.1:9/a", "http://no-such-host.invalid/b"))
    with pytest.raises(TryAgainError, match=r"127.0.0.1:9/a \(no answer: .*refused.*such-host.invalid/b \(no answer: "):
        fetch(file, tmp_path)
    assert pauses == []


def test_a_disk_with_too_little_space(monkeypatch: pytest.MonkeyPatch, server, tmp_path: Path) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(http.shutil, "disk_usage", lambda _: usage._replace(free=99_999))
    with pytest.raises(DataError, match="No space left on device: 100,000 bytes are needed and 99,999 are free"):
        fetch(server.offer("numbers", CONTENT), tmp_path)
    assert left(tmp_path) == []


def test_a_disk_that_becomes_full(monkeypatch: pytest.MonkeyPatch, server, tmp_path: Path) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(http.os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device.*AKID_DATA_DIR"):
        fetch(server.offer("numbers", CONTENT), tmp_path)
    assert not (tmp_path / "numbers").exists()
    assert left(tmp_path) == []
