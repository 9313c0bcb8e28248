"""The real book, whole; skipped where `fetch.py` could not get it."""

from __future__ import annotations

import pytest

from akid_core.data.place import data_dir
from akid_core.testing.sources import SourceSuite
from akid_datasets.sources.text import Text

BOOK = data_dir() / "moby_dick" / "moby-dick.txt"

if not BOOK.exists():
    pytest.skip(f"{BOOK} is not here; tests/real/fetch.py says why", allow_module_level=True)


class TestBook(SourceSuite):
    splits = ("train", "val", "test")

    def source(self) -> Text:
        return Text(path=BOOK, length=64, val=0.1, test=0.1)


def test_it_is_the_book() -> None:
    text = Text(path=BOOK, length=1)
    assert len(text.vocabulary) == 83
    assert text.vocabulary.startswith("\n !$&()*,-.0123456789:;?ABC")
    assert len(text) == 1_190_316
    assert text.decode(text.column("text")[22:38, 0]) == "Call me Ishmael."
