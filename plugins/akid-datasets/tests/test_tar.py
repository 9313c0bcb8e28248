"""Tar: members are found where Python's own tarfile finds them, and unsound archives are named."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_datasets.shards.tar import Entry, entries

names = st.text(st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1).map(
    lambda text: text.strip(". ") or "x"
)
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def archive(members: dict[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as opened:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def found(data: bytes) -> list[Entry]:
    return list(entries(io.BytesIO(data), len(data)))


def by_tarfile(data: bytes) -> list[Entry]:
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        return [Entry(info.name, info.offset_data, info.size) for info in opened if info.isreg()]


@settings(deadline=None, max_examples=60)
@given(
    members=st.dictionaries(names, st.binary(max_size=2000), max_size=6),
    folder=st.integers(0, 300),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_as_tarfile_finds_them(members: dict[str, bytes], folder: int, form: int) -> None:
    data = archive({f"{'d' * folder}/{name}": content for name, content in members.items()}, form)
    assert found(data) == by_tarfile(data)


@pytest.mark.parametrize("form", FORMATS)
def test_places_by_hand(form: int) -> None:
    data = archive({"a.txt": b"x" * 513, "b/c.txt": b"", "d.txt": b"y"}, form)
    assert found(data) == [Entry("a.txt", 512, 513), Entry("b/c.txt", 2048, 0), Entry("d.txt", 2560, 1)]


def test_a_split_name_of_ustar() -> None:
    name = f"{'folder/' * 20}file.txt"
    assert [entry.name for entry in found(archive({name: b"1"}))] == [name]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_more_than_eight_gigabytes(form: int, tmp_path: Path) -> None:
    """The size no longer fits into octal digits; the file has a hole in it, so it takes no room."""
    size = 9 * 2**30 + 5
    info = tarfile.TarInfo("large.bin")
    info.size = size
    header = info.tobuf(form)
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        file.write(header)
        file.seek(len(header) + size)
        file.write(b"\0" * (-size % 512 + 1024))
    with path.open("rb") as file:
        assert list(entries(file, path.stat().st_size)) == [Entry("large.bin", len(header), size)]


def test_folders_are_passed_over_and_names_are_only_names() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        opened.addfile(folder)
        opened.addfile(tarfile.TarInfo("../../etc/a.cls"))
    assert [entry.name for entry in found(buffer.getvalue())] == ["../../etc/a.cls"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.BLKTYPE, "a device"),
    ],
)
def test_what_is_no_file(kind: bytes, said: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        info = tarfile.TarInfo("a.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        opened.addfile(info)
    with pytest.raises(ValueError, match=f"has {said}, 'a.jpg', at byte 0; shards hold plain files"):
        found(buffer.getvalue())


WHOLE = archive({"a.cls": b"1", "b.cls": b"2" * 600})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is cut short: it ends at byte 0"),
        (WHOLE[:300], "is cut short: it ends at byte 300"),
        (WHOLE[:1024], "is cut short: it ends at byte 1024, without the blocks of zeros"),
        (WHOLE[:2000], "is cut short: its member 'b.cls' reaches to byte 2136 of 2000"),
        (WHOLE[:2560], "is cut short: it ends at byte 2560, without the blocks of zeros"),
        (WHOLE[:1024] + b"x" * 2000, "or damaged: .*byte 1024"),
        (WHOLE[:1030] + b"x" + WHOLE[1031:], "or damaged: at byte 1024 is no header"),
        (b"<html>" + b" " * 600, "is no tar archive"),
        (gzip.compress(WHOLE), "is packed with gzip; unpack it"),
    ],
)
def test_unsound_archives(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        found(data)


def with_size(size: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header whose field for the size is `size`, with a right sum, and the end of an archive."""
    info = tarfile.TarInfo("a.cls")
    info.type = kind
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + b"\0" * 4096


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE])
@pytest.mark.parametrize("size", [b"-0000001000\0", b"+0000001000\0", b"0000_001000\0", b"0000 001000\0", b"\xff" * 12])
def test_sizes_that_are_none(size: bytes, kind: bytes) -> None:
    with pytest.raises(ValueError, match="the header at byte 0 has no sound number"):
        found(with_size(size, kind))


def test_sizes_with_blanks_around_them() -> None:
    assert found(with_size(b"    0001000 ")) == [Entry("a.cls", 512, 512)]


def test_an_extended_header_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="announces 1048577 bytes of names and notes"):
        found(with_size(b"00004000001\0", tarfile.XHDTYPE) + b"\0" * (1 << 20))


def test_every_cut_is_noticed() -> None:
    """Wherever an archive is cut before its closing zeros, it is not taken for a whole one."""
    for size in range(0, 2560, 7):
        with pytest.raises(ValueError, match="is cut short"):
            found(WHOLE[:size])
