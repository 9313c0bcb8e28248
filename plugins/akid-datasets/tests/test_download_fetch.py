"""Fetching a file: what is found on this machine, what is downloaded, and what is said where neither works."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from akid_core.data.place import data_dir
from akid_core.errors import AkidWarning, ConfigurationError, DataError, MissingFilesError, TryAgainError
from akid_datasets.download import RemoteFile, fetch, fetch_all, locate, open_raw

pytestmark = pytest.mark.usefixtures("data_folder")

CONTENT = bytes(range(256)) * 64
PACKED = gzip.compress(CONTENT, 9, mtime=0)
OTHERWISE = gzip.compress(CONTENT, 1, mtime=1)
"""The same content as another packer packs it."""

UNUSED = "http://127.0.0.1:9/nobody-listens"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def packed(*urls: str) -> RemoteFile:
    return RemoteFile("numbers.gz", urls or (UNUSED,), sha256(PACKED), size=len(PACKED), raw_digest=sha256(CONTENT))


def test_a_download(server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = server.offer("numbers", CONTENT)
    path = fetch(file, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "numbers"
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir() if entry.name[0] != "."] == ["numbers"]
    assert [entry.name for entry in path.parent.iterdir() if entry.is_dir()] == []
    assert fetch(file, path.parent) == path
    assert len(server.asked) == 1
    assert capsys.readouterr() == ("", "")


def test_the_default_folder_is_the_one_that_the_variable_names(server, data_folder: Path) -> None:
    assert fetch(server.offer("numbers", CONTENT)) == data_folder / "numbers"


def test_a_home_in_the_variable_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AKID_DATA_DIR", "~/sets")
    assert data_dir() == tmp_path / "sets"
    assert not data_dir().exists()
    monkeypatch.setenv("AKID_DATA_DIR", "")
    assert data_dir().name == "akid"
    assert data_dir().is_relative_to(tmp_path)


def test_md5(server, tmp_path: Path) -> None:
    file = replace(server.offer("numbers", CONTENT), digest=f"md5:{hashlib.md5(CONTENT).hexdigest()}")
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_a_redirect(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT)
    server.put("moved", b"", location=server.url("numbers"))
    assert fetch(replace(file, urls=(server.url("moved"),)), tmp_path).read_bytes() == CONTENT


def test_mirrors_in_turn(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT)
    server.put("page", b"\n<!DOCTYPE html><title>Please log in</title>", kind="text/html")
    server.put("wrong", CONTENT[::-1])
    server.put("short", CONTENT[:100])
    urls = (UNUSED, *map(server.url, ("missing", "page", "wrong", "short", "numbers")))
    assert fetch(replace(file, urls=urls), tmp_path).read_bytes() == CONTENT


def test_no_address_works(server, tmp_path: Path) -> None:
    digest = sha256(CONTENT)
    server.put("page", b"<html>Please log in</html>")
    server.put("wrong", CONTENT[::-1])
    server.put("short", CONTENT[:100])
    urls = (UNUSED, *map(server.url, ("missing", "page", "wrong", "short")))
    with pytest.raises(TryAgainError) as caught:
        fetch(RemoteFile("numbers", urls, digest, size=16384), tmp_path)
    message = str(caught.value)
    for url, reason in zip(
        urls,
        (
            "(no answer: ",
            "(the server answered 404 Not Found)",
            "(the server gave a web page instead of the file)",
            f"(its bytes do not have {digest})",
            "(the file has 100 bytes there instead of 16,384)",
        ),
        strict=True,
    ):
        assert f"{url} {reason}" in message
        assert message.count(url) == 1
    assert message.endswith(f"or provide the file by hand. Put 'numbers' (16,384 bytes, {digest}) into {tmp_path}.")
    assert [entry.name for entry in tmp_path.iterdir() if not entry.name.endswith(".lock")] == []


def test_offline(monkeypatch: pytest.MonkeyPatch, server, tmp_path: Path) -> None:
    monkeypatch.setenv("AKID_OFFLINE", "1")
    url = server.put("numbers.gz", PACKED)
    with pytest.raises(DataError) as caught:
        fetch(packed(url), tmp_path / "here", [tmp_path / "there"])
    assert str(caught.value) == (
        f"'numbers.gz' is not on this machine, and AKID_OFFLINE forbids to download it. Looked in {tmp_path / 'here'}, "
        f"{tmp_path / 'there'}. Put 'numbers.gz' ({len(PACKED)} bytes, {sha256(PACKED)}), or unpacked as 'numbers' "
        f"({sha256(CONTENT)}), into {tmp_path / 'here'}; it is to be had from {url}."
    )
    assert server.asked == []
    assert not (tmp_path / "here").exists()
    monkeypatch.setenv("AKID_OFFLINE", "0")
    assert fetch(packed(url), tmp_path / "here").read_bytes() == PACKED
    monkeypatch.setenv("AKID_OFFLINE", "1")
    assert fetch(packed(url), tmp_path / "here").read_bytes() == PACKED


def test_all_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, server, tmp_path: Path) -> None:
    files = [server.offer(name, CONTENT) for name in ("a", "b", "c", "d")]
    (tmp_path / "b").write_bytes(CONTENT)
    monkeypatch.setenv("AKID_OFFLINE", "1")
    with pytest.raises(MissingFilesError) as caught:
        fetch_all(files, tmp_path)
    assert caught.value.files == ("a", "c", "d")
    assert pickle.loads(pickle.dumps(caught.value)).files == ("a", "c", "d")
    message = str(caught.value)
    assert message.startswith("'a', 'c' and 'd' are not on this machine, and AKID_OFFLINE forbids to download them. ")
    assert [message.count(server.url(name)) for name in "abcd"] == [1, 0, 1, 1]
    monkeypatch.delenv("AKID_OFFLINE")
    assert fetch_all(files, tmp_path) == tuple(tmp_path / name for name in "abcd")


def test_whether_trying_again_may_help(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT)
    with pytest.raises(TryAgainError, match="Try again when the network is back, or provide the file by hand"):
        fetch(replace(file, urls=(UNUSED, server.url("missing"))), tmp_path)
    with pytest.raises(DataError, match=r"404 Not Found\). Provide the file by hand"):
        fetch(replace(file, urls=(server.url("missing"),)), tmp_path)


def test_a_file_that_only_the_user_can_get(tmp_path: Path) -> None:
    file = RemoteFile("licensed.tar", (), sha256(CONTENT))
    with pytest.raises(DataError, match="its licence wants you to get it yourself"):
        fetch(file, tmp_path)
    (tmp_path / "licensed.tar").write_bytes(CONTENT)
    assert fetch(file, tmp_path) == tmp_path / "licensed.tar"


@pytest.mark.parametrize(("name", "content"), [("numbers.gz", PACKED), ("numbers.gz", OTHERWISE), ("numbers", CONTENT)])
@pytest.mark.parametrize("where", ["folder", "place"])
def test_what_lies_there_is_used(tmp_path: Path, where: str, name: str, content: bytes) -> None:
    """Packed, packed by another packer, or unpacked."""
    (tmp_path / where).mkdir()
    (tmp_path / where / name).write_bytes(content)
    path = fetch(packed(), tmp_path / "folder", [tmp_path / "none", tmp_path / "place"])
    assert path == tmp_path / where / name
    with open_raw(path) as handle:
        assert handle.read() == CONTENT
    assert locate(packed(), tmp_path / "folder", [tmp_path / "place"]) == path


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_unpacked_while_reading(tmp_path: Path, suffix: str) -> None:
    compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[suffix]
    (tmp_path / "any-name").write_bytes(compress(CONTENT))
    with open_raw(tmp_path / "any-name") as handle:
        assert handle.read() == CONTENT


WRONG = {
    "another": (gzip.compress(CONTENT[::-1]), "its content has sha256:"),
    "cut": (PACKED[:-20], "it cannot be unpacked"),
    "broken": (PACKED[:40] + bytes(40) + PACKED[80:], "it cannot be unpacked"),
    "page": (b"<html></html>", "its content has sha256:"),
    "empty": (b"", "its content has sha256:"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_named_and_replaced(monkeypatch: pytest.MonkeyPatch, server, tmp_path: Path, case: str) -> None:
    content, reason = WRONG[case]
    (tmp_path / "numbers.gz").write_bytes(content)
    file = packed(server.put("numbers.gz", PACKED))
    assert locate(file, tmp_path) is None
    monkeypatch.setenv("AKID_OFFLINE", "1")
    with pytest.raises(DataError, match=f"What is there does not fit: {tmp_path / 'numbers.gz'}: {reason}"):
        fetch(file, tmp_path)
    monkeypatch.delenv("AKID_OFFLINE")
    with pytest.warns(AkidWarning, match=f"not used, as it is not what it should be: {tmp_path / 'numbers.gz'}"):
        assert fetch(file, tmp_path).read_bytes() == PACKED


def test_a_wrong_file_without_a_raw_digest(tmp_path: Path) -> None:
    file = RemoteFile("numbers", (), sha256(CONTENT), size=len(CONTENT))
    (tmp_path / "numbers").write_bytes(CONTENT[1:])
    with pytest.raises(DataError, match="it has 16,383 bytes instead of 16,384"):
        fetch(file, tmp_path)
    (tmp_path / "numbers").write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match=f"it has {sha256(CONTENT[::-1])} instead of {sha256(CONTENT)}"):
        fetch(file, tmp_path)


def test_what_was_found_right_is_not_read_again_until_it_changes(tmp_path: Path, data_folder: Path) -> None:
    file = RemoteFile("numbers", (), sha256(CONTENT))
    path = tmp_path / "numbers"
    path.write_bytes(CONTENT)
    fetch(file, tmp_path)
    times = path.stat()
    # Only who does not read it can take these bytes for right.
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fetch(file, tmp_path) == path
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert locate(file, tmp_path) is None
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert locate(replace(file, digest=sha256(b"")), tmp_path) is None
    next((data_folder / ".verified").iterdir()).write_text("{")
    assert locate(file, tmp_path) is None


def test_a_download_is_not_read_again(server, tmp_path: Path) -> None:
    file = server.offer("numbers", CONTENT)
    path = fetch(file, tmp_path)
    times = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert locate(file, tmp_path) == path


def test_a_folder_that_cannot_be_made(server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"cannot be downloaded into .*: Not a directory.*AKID_DATA_DIR"):
        fetch(server.offer("numbers", CONTENT), tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "sub/numbers"}, "without a folder"),
        ({"name": "..\\numbers"}, "without a folder"),
        ({"name": ".."}, "without a folder"),
        ({"name": ""}, "without a folder"),
        ({"digest": "sha256:1234"}, "neither 'sha256:' with 64"),
        ({"digest": ""}, "neither 'sha256:' with 64"),
        ({"raw_digest": "crc:1234"}, "neither 'sha256:' with 64"),
        ({"urls": ("ftp://somewhere/numbers",)}, "not an http or https URL"),
    ],
)
def test_a_description_that_cannot_be(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(packed(), **change)
