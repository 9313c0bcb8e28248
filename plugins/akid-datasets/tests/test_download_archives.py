"""Archives: what is unpacked, and what is refused without a trace."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from akid_core.errors import DataError
from akid_datasets.download import Limits, extract
from akid_datasets.download.members import opened_archive

FILES = {"set/train/one.txt": b"one\n" * 1000, "set/two.bin": bytes(range(256)), "set/empty": b""}


def tar(path: Path, files: dict[str, bytes], mode: str = "w", **changes: object) -> Path:
    """Write a tar file; `changes` are attributes of its last member."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in changes.items() if name == list(files)[-1] else ():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, files: dict[str, bytes], mode: int = stat.S_IFREG | 0o644) -> Path:
    """Write a zip file; `mode` is that of its last member."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (mode if name == list(files)[-1] else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return path


def found(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".unpacked.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(archive: Path, message: str, limits: Limits | None = None) -> None:
    """The archive is refused, and nothing of it lies anywhere."""
    into = archive.parent / "sub" / "into"
    before = set(archive.parent.rglob("*"))
    with pytest.raises(DataError, match=message) as caught:
        extract(archive, into, limits=limits)
    assert str(archive) in str(caught.value)
    assert {path.name for path in set(archive.parent.rglob("*")) - before} <= {"sub", ".into.lock"}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_what_is_inside(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "archive"
    archive = zipped(path, FILES) if mode == "zip" else tar(path, FILES, mode)
    into = extract(archive, tmp_path / "deep" / "into")
    assert into == tmp_path / "deep" / "into"
    assert found(into) == FILES
    assert {path.name for path in into.parent.iterdir()} <= {"into", ".into.lock"}


def test_folders_modes_and_a_folder_that_is_empty(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in (".", "./set", "set/none"):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o000
            archive.addfile(info)
        info = tarfile.TarInfo("./set/program")
        info.mode = 0o6777
        archive.addfile(info)
    into = extract(tmp_path / "a.tar", tmp_path / "into")
    assert (into / "set" / "none").is_dir()
    assert (into / "set" / "program").stat().st_mode & 0o7111 == 0


def test_the_second_time_costs_nothing_until_the_archive_changes(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar", FILES)
    into = extract(archive, tmp_path / "into")
    (into / "set" / "two.bin").unlink()
    assert len(found(extract(archive, into))) == 2
    os.utime(archive, ns=(0, 0))
    assert found(extract(archive, into)) == FILES
    tar(archive, {"other": b"1"})
    assert found(extract(archive, into)) == {"other": b"1"}
    tar(archive, {"../other": b"2"})
    with pytest.raises(DataError):
        extract(archive, into)
    assert found(into) == {"other": b"1"}


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".into.unpacking").mkdir()
    (tmp_path / ".into.unpacking" / "half").write_bytes(b"1")
    assert found(extract(tar(tmp_path / "a.tar", FILES), tmp_path / "into")) == FILES
    assert not (tmp_path / ".into.unpacking").exists()


def test_a_folder_of_the_user_stays(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    archive = tar(tmp_path / "a.tar", FILES)
    assert found(extract(archive, tmp_path / "into")) == FILES
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_bytes(b"1")
    with pytest.raises(DataError, match="which holds other files"):
        extract(archive, tmp_path / "mine")
    assert found(tmp_path / "mine") == {"thesis.tex": b"1"}


@pytest.mark.parametrize("write", [tar, zipped])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil", "would lie outside"),
        ("set/../../evil", "would lie outside"),
        ("set/..", "would lie outside"),
        ("..\\evil", "would lie outside"),
        ("/tmp/evil", "absolute path"),
        ("\\evil", "absolute path"),
        ("C:\\evil", "absolute path"),
        ("C:evil", "absolute path"),
    ],
)
def test_a_member_that_would_lie_elsewhere(tmp_path: Path, write: Callable[..., Path], name: str, message: str) -> None:
    refused(write(tmp_path / "archive", {**FILES, name: b"1"}), f"its member .* {message}")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "is not a file"),
        (tarfile.BLKTYPE, "is not a file"),
        (tarfile.FIFOTYPE, "is not a file"),
    ],
)
def test_a_member_of_a_tar_that_is_no_file(tmp_path: Path, kind: bytes, message: str) -> None:
    archive = tar(tmp_path / "archive", {**FILES, "odd": b""}, type=kind, linkname="/etc/passwd")
    refused(archive, f"its member 'odd' {message}")


@pytest.mark.parametrize(
    ("mode", "message"), [(stat.S_IFLNK, "is a link"), (stat.S_IFCHR, "is not a file"), (stat.S_IFIFO, "is not a file")]
)
def test_a_member_of_a_zip_that_is_no_file(tmp_path: Path, mode: int, message: str) -> None:
    refused(zipped(tmp_path / "archive", {**FILES, "odd": b"/etc/passwd"}, mode), f"its member 'odd' {message}")


def test_an_encrypted_member(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "archive", {"a": b"1"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # flags of the local header and of the directory (APPNOTE 4.3.7, 4.3.12)
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, "its member 'a' is encrypted")


def test_a_member_that_occurs_twice(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("set/one"))
    refused(tmp_path / "a.tar", "its member 'set/one' occurs twice")


def test_a_member_below_a_file(tmp_path: Path) -> None:
    refused(tar(tmp_path / "a.tar", {"set": b"1", "set/one": b"1"}), "cannot be unpacked into")


def test_too_many_bytes(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar", FILES)
    refused(archive, "with 'set/two.bin' it would have more than 4,100 bytes", Limits(bytes=4100))
    assert found(extract(archive, tmp_path / "into", limits=Limits(bytes=4256))) == FILES


def test_too_many_members(tmp_path: Path) -> None:
    refused(tar(tmp_path / "a.tar", FILES), "it has more than 2 members", Limits(files=2))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bomb(tmp_path: Path, kind: str) -> None:
    """300 MiB of zeros in a few hundred KiB, with the limits that hold when nobody asks for others."""
    zeros, path = bytes(300 << 20), tmp_path / "bomb"
    if kind == "zip":
        archive = zipped(path, {"zeros": zeros})
    else:
        info = tarfile.TarInfo("zeros")
        info.size = len(zeros)
        path.write_bytes(gzip.compress(info.tobuf(), 1) + gzip.compress(zeros[: 1 << 20], 1) * 300)
        archive = path
    refused(archive, r"with 'zeros' it would have more than 2\d\d,\d{3},\d{3} bytes, too many for the .* of its own")


def test_a_small_archive_may_be_packed_well(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar.gz", {"zeros": bytes(1 << 22)}, "w:gz")
    assert (1 << 22) / archive.stat().st_size > 200
    assert len(found(extract(archive, tmp_path / "into"))["zeros"]) == 1 << 22
    refused(archive, "too many for the", Limits(small=1 << 20))


def test_a_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    (tmp_path / "a.tar").write_bytes(info.tobuf())
    refused(tmp_path / "a.tar", "is not a sound tar or zip file: a header of 4,294,967,296 bytes")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_an_archive_that_was_cut(tmp_path: Path, mode: str) -> None:
    """At any place."""
    path = tmp_path / "archive"
    whole = (zipped(path, FILES) if mode == "zip" else tar(path, FILES, mode)).read_bytes()
    end = 6656 if mode == "w" else len(whole)  # 4608 + 1024 + 512 bytes of members and a block of zeros are a whole tar
    for length in (0, 10, 511, 512, 700, end // 3, end // 2, end - 520, end - 20, end - 1):
        if 0 <= length < end:
            path.write_bytes(whole[:length])
            refused(path, "sound tar or zip|cut short|cannot be unpacked")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "zip"])
def test_an_archive_with_a_changed_byte(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "archive"
    files = {"random": os.urandom(5000)}
    whole = (zipped(path, files) if mode == "zip" else tar(path, files, mode)).read_bytes()
    changed = bytearray(whole)
    changed[2500] ^= 0xFF
    path.write_bytes(changed)
    refused(path, "sound tar or zip|cannot be unpacked")


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar", FILES)
    content = bytearray(archive.read_bytes())
    content[512 + 4096 + 3] ^= 0xFF  # in the name of the second member
    archive.write_bytes(content)
    refused(archive, "no end and no member at byte 4,608")


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"<html>not an archive</html>")
    refused(tmp_path / "page", "is not a sound tar or zip file")
    with pytest.raises(DataError, match="cannot be unpacked into .*: No such file"):
        extract(tmp_path / "none", tmp_path / "into")


def test_a_zip_that_lies_about_a_size(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a": bytes(10_000)})
    content = bytearray(archive.read_bytes())
    at = content.index(b"PK\x01\x02") + 24  # the size in the directory (APPNOTE 4.3.12)
    content[at : at + 4] = struct.pack("<I", 10)
    archive.write_bytes(content)
    refused(archive, "sound tar or zip")


def test_a_tar_of_many_files_takes_no_memory_for_each(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", {f"{number}.txt": b"x" for number in range(2000)})
    tracemalloc.start()
    with opened_archive(path) as members:
        held = [tracemalloc.get_traced_memory()[0] for _ in members]
    tracemalloc.stop()
    assert len(held) == 2000
    assert max(held) < 500_000, "Python's description of a member takes some 1,500 bytes"
