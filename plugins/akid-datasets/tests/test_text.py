"""Text: characters as numbers, windows that follow each other, and streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core.data import Source, sensors
from akid_core.errors import AkidError, ConfigurationError, DataError
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats import characters
from akid_datasets.sources.text import Text

VERSE = "the cat sat on the mat, the dog sat on the log"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("verse.txt").write_text(VERSE, encoding="utf-8")


class TestText(SourceSuite):
    splits = ("train", "val", "test")

    def source(self) -> Source:
        return Text(path="verse.txt", length=3, val=10, test=0.2, characters="".join(set(VERSE)))


def test_windows_follow_each_other() -> None:
    source = Text(path="verse.txt", length=4)
    rows = source.rows(np.arange(len(source)))
    assert len(source) == (len(VERSE) - 1) // 4 == 11
    assert source.vocabulary == "".join(sorted(set(VERSE)))
    assert source.decode(rows["text"].reshape(-1)) == VERSE[:44]
    assert source.decode(rows["next"].reshape(-1)) == VERSE[1:45]
    assert rows["text"].dtype == np.int64


def test_names_with_brackets_are_names_where_there_is_such_a_file() -> None:
    for name in ("[1].txt", "1.txt", "2.txt"):
        Path(name).write_text(name, encoding="utf-8")
    assert Text(path="[1].txt", length=1).vocabulary == ".1[]tx"
    assert "2" in Text(path="[12].txt", length=1).vocabulary


def test_splits_are_parts_of_the_text() -> None:
    def said(split: Any) -> str:
        source = Text(
            path="verse.txt", length=1, val=10, test=0.25, split=split, characters="".join(sorted(set(VERSE)))
        )
        return source.decode(source.rows(np.arange(len(source)))["text"][:, 0])

    # the last character of a part is a target alone; of 46 characters a quarter is 12, rounded
    assert [said(split) for split in ("train", "val", "test")] == [VERSE[:23], VERSE[24:33], VERSE[34:45]]


def test_streams_go_on_from_batch_to_batch() -> None:
    given = sensors(Text(path="verse.txt", length=3, streams=2), batch_size=2)
    train = given.sensor("train", 0, None)
    assert train is not None
    source = Text(path="verse.txt", length=3)
    batches = [train.batch(0, index).fields["text"] for index in range(train.steps_per_epoch)]
    streams = ["".join(source.decode(batch[place]) for batch in batches) for place in (0, 1)]
    assert streams == [VERSE[:21], VERSE[21:42]]  # 15 windows: one is left out, so that both streams have 7


def test_files_are_read_as_one_text() -> None:
    Path("b.txt").write_text("cd", encoding="utf-8-sig")
    Path("a.txt").write_text("ab", encoding="utf-8")
    for path in (["a.txt", "b.txt"], "[ab].txt", ("a.txt", "[b].txt")):
        source = Text(path=path, length=3)
        assert source.decode(source.rows(np.array([0]))["text"][0]) == "abc"
        assert source.vocabulary == "abcd"
    splits = Text(path={"train": "b.txt", "test": "verse.txt"}, length=1, characters=VERSE[0] + "cdeh")
    assert len(splits) == 1


@pytest.mark.parametrize("text", ["aé€𝄞" * 3, "a\r\nb\rc\n", "𝄞" * 5, "\ufeffab\ufeff"])
@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
def test_all_of_unicode_whatever_the_pieces(text: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "_PIECE", piece)
    Path("a.txt").write_bytes(text.encode())
    codes = characters.read_characters([Path("a.txt")])
    assert "".join(map(chr, codes.tolist())) == text.removeprefix("\ufeff")


@pytest.mark.parametrize("piece", [1, 2, 1000])
@pytest.mark.parametrize(
    ("data", "message"),
    [(b"ab\xe4cd", "invalid continuation byte at byte 2"), (b"abc\xe2\x82", "unexpected end of data at byte 3")],
)
def test_what_is_not_utf8_is_named_by_its_byte(
    data: bytes, message: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(characters, "_PIECE", piece)
    Path("a.txt").write_bytes(data)
    with pytest.raises(DataError, match=f"a.txt is not text in UTF-8: {message}"):
        len(Text(path="a.txt", length=1))


def test_unknown_characters() -> None:
    Path("a.txt").write_text("abcab", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"a.txt: the character 'c', number 2 of the split 'train' and in its row 1, is"
    ):
        Text(path="a.txt", length=2, characters="ab").rows(np.array([1, 0]))
    source = Text(path="a.txt", length=2, characters="_ab", unknown="_")
    assert source.rows(np.array([0]))["next"].tolist() == [[2, 0]]
    later = Text(path={"train": "verse.txt", "val": "a.txt"}, length=1, unknown=" ", split="val")
    assert later.decode(later.rows(np.arange(4))["text"][:, 0]) == "a ca"


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"length": 0}, ValueError, "length must be at least 1"),
        ({"val": 1.5}, ValueError, "val must be a number of rows"),
        (
            {"path": {"train": "verse.txt"}, "val": 3},
            ValueError,
            "leave them out where each split has files of its own",
        ),
        ({"characters": "aa"}, ValueError, "characters must name each character once"),
        ({"unknown": "ab"}, ValueError, "unknown must be one character"),
        ({"unknown": "Q"}, ConfigurationError, "The character 'Q' stands for unknown ones, but it is not among"),
        ({"path": "none*.txt"}, DataError, r"none\*.txt does not exist"),
        ({"length": 46}, DataError, "verse.txt: the split 'train' has 46 characters, but a row takes 47,"),
        ({"path": {"train": ["verse.txt"] * 2, "val": "verse.txt"}, "length": 50, "split": "val"}, DataError, "has 46"),
        ({"val": 30, "test": 30}, ConfigurationError, "ask for 60 characters of a text that has 46"),
        ({"length": 9, "test": 0.2}, ConfigurationError, "test: 0.2 is 9 of the 46 characters .* a row takes 10,"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], kind: type[AkidError], message: str) -> None:
    with pytest.raises(kind, match=message):
        Text(**{"path": "verse.txt", "length": 2, **settings}).rows(np.arange(1))
