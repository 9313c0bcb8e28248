"""Splits: which file belongs to which split, and by what its content is known again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from akid_core.data.source import Split
from akid_core.errors import DataError

SplitPaths = Path | Mapping[Split, Path]
"""One file to train on; a pattern with `{split}`, such as `data/{split}.npz`; or the file of each split."""

_WHOLE, _PIECES, _PIECE = 1 << 24, 256, 1 << 16
"""Files up to so many bytes are digested whole, larger ones in so many pieces of so many bytes."""


def as_paths(path: SplitPaths | str) -> SplitPaths:
    """Paths as objects, whatever they were given as."""
    if isinstance(path, Mapping):
        return {split: Path(each).expanduser() for split, each in path.items()}
    return Path(path).expanduser()


def path_of(path: SplitPaths, split: Split, *, keyed: bool = False) -> Path | None:
    """The file of a split; None where there is none for it.

    `keyed`: one file holds all splits, told apart inside. Raises `DataError` where a file that must be there is not.
    """
    if isinstance(path, Mapping):
        found = path.get(split)
    elif "{split}" in str(path):
        found = Path(str(path).replace("{split}", split))
        if split != "train" and not found.exists():
            return None
    else:
        found = path if split == "train" or keyed else None
    if found is not None and not found.exists():
        raise DataError(f"{found} does not exist; it should hold the split '{split}'. Paths begin at {Path.cwd()}.")
    return found


def file_digest(*paths: Path) -> str:
    """A digest of files: of all bytes up to 16 MiB of each, else of its size and of 16 MiB spread over it."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{size} ".encode())
        with path.open("rb") as file:
            if size <= _WHOLE:
                digest.update(file.read())
                continue
            for number in range(_PIECES):
                file.seek((size - _PIECE) * number // (_PIECES - 1))
                digest.update(file.read(_PIECE))
    return digest.hexdigest()
