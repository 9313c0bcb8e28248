"""Known sets: labelled images that come as files for training and for test, of which some are held out to validate."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from akid_core.data import Source
from akid_core.data.place import data_dir
from akid_core.errors import DataError

Part = Literal["train", "test"]
Fields = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class KnownSet(Source):
    """Images and labels in memory. Subclass it with the sizes, the facts and how the files are read.

    `val`: how many rows of the training file are held out to validate, none with 0; the test set is left untouched.
    They are a rule: with the rows sorted by label, and by their order in the file within a label, `val` rows at equal
    distances. So each class is split alike, to within one row.
    """

    sizes: ClassVar[Mapping[Part, int]]
    """The rows of the files for training and for test."""

    facts: ClassVar[Mapping[str, str]]
    """What `about` tells, but the folder."""

    val: int = 5000

    def __post_init__(self) -> None:
        if not 0 <= self.val < self.sizes["train"]:
            raise ValueError(f"val must be 0 to {self.sizes['train'] - 1}, got {self.val}")

    def __len__(self) -> int:
        if self.split == "train":
            return self.sizes["train"] - self.val
        return self.val if self.split == "val" else self.sizes["test"]

    def rows(self, indices: np.ndarray) -> Fields:
        fields, rows = _split(self, self.folder)
        return {name: values.take(rows[indices], axis=0) for name, values in fields.items()}

    def fingerprint(self) -> str:
        return _fingerprint(self, self.folder)

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def folder(self) -> Path:
        """Where the files lie that are downloaded, and where you may put them yourself."""
        return data_dir() / self.component()

    def about(self) -> Mapping[str, str]:
        return {**self.facts, "folder": str(self.folder)}

    @abstractmethod
    def read(self, part: Part) -> Fields:
        """All rows of the files for training or for test; `label` is the class. The files are read once."""


@cache
def _split(source: KnownSet, folder: Path) -> tuple[Fields, np.ndarray]:
    """The rows that lie in `folder`, and which of them are those of the split, in order."""
    part: Part = "test" if source.split == "test" else "train"
    fields = source.read(part)
    count = len(fields["label"])
    if count != source.sizes[part]:
        raise DataError(
            f"The files of '{source.component()}' in {folder} have {count:,} rows for {part} instead of "
            f"{source.sizes[part]:,}. Remove them, and they are fetched again."
        )
    held_out = _held_out(fields["label"], source.val) if part == "train" else np.ones(count, bool)
    return fields, np.flatnonzero(held_out == (source.split != "train"))


def _held_out(label: np.ndarray, count: int) -> np.ndarray:
    """Whether each row is for validation: `count` rows at equal distances among those sorted by label."""
    places = (2 * np.arange(count) + 1) * len(label) // max(1, 2 * count)
    chosen = np.zeros(len(label), bool)
    chosen[np.argsort(label, kind="stable")[places]] = True
    return chosen


@cache
def _fingerprint(source: KnownSet, folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    fields, rows = _split(source, folder)
    for name, values in fields.items():
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    digest.update(rows.data)
    return digest.hexdigest()


def modified(*paths: Path) -> tuple[int, ...]:
    """When each of the files was last written to, so that what was read of them is known by it."""
    return tuple(path.stat().st_mtime_ns for path in paths)
