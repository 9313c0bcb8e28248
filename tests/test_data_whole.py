"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from akid_core.data.whole import whole_file


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "made" / "here" / "a.bin"
    for content in (b"first", b"second"):
        with whole_file(path) as file:
            file.write(content)
            file.flush()
            assert not path.exists() or path.read_bytes() == b"first"
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_after_an_error_all_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"first")

    def write() -> None:
        with whole_file(path) as file:
            file.write(b"second")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
