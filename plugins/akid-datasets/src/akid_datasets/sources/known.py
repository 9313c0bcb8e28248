"""Known sets: labelled images that come as files for training and for test, of which some are held out to validate."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from akid_core.data import Source
from akid_core.data.augmenter import Fields
from akid_core.data.place import data_dir
from akid_core.data.source import About
from akid_core.errors import DataError
from akid_datasets.sharing import shared

Part = Literal["train", "test"]


@dataclass(frozen=True)
class PartFiles:
    """The files for training or for test, which are there, and what reads all rows of them; `label` is the class."""

    paths: tuple[Path, ...]
    read: Callable[[], Fields]


@dataclass(frozen=True, eq=False)
class _Whole:
    """All rows of the files for training or for test."""

    fields: Fields

    @cached_property
    def digest(self) -> bytes:
        digest = hashlib.blake2b(digest_size=16)
        for name, values in self.fields.items():
            digest.update(f"{name} {values.dtype} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
        return digest.digest()


@dataclass(frozen=True, kw_only=True)
class KnownSet(Source):
    """Images and labels in memory. Subclass it with the sizes, the facts and how the files are read.

    `val`: how many rows of the training file are held out to validate, none with 0; the test set is left untouched.
    They are a rule: with the rows sorted by label, and by their order in the file within a label, `val` rows at equal
    distances. So each class is split alike, to within one row.
    """

    sizes: ClassVar[Mapping[Part, int]]
    """The rows of the files for training and for test."""

    facts: ClassVar[About]
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
        return {name: values.take(self._rows[indices], axis=0) for name, values in self._whole.fields.items()}

    def fingerprint(self) -> str:
        return hashlib.blake2b(self._whole.digest + self._rows.tobytes(), digest_size=16).hexdigest()

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def folder(self) -> Path:
        """Where the files lie that are downloaded, and where you may put them yourself."""
        return data_dir() / self.component()

    def about(self) -> About:
        return {**self.facts, "folder": str(self.folder)}

    @abstractmethod
    def stored(self, part: Part) -> PartFiles:
        """The files for training or for test; those that are missing are got."""

    @cached_property
    def _whole(self) -> _Whole:
        """The rows that the split is some of, shared with the other splits and equal sources."""
        part = self._part
        files = self.stored(part)
        return shared(repr(replace(self, split=part, val=0)), files.paths, lambda: self._read(part, files))

    @cached_property
    def _rows(self) -> np.ndarray:
        """Which rows are those of the split, in order."""
        label = self._whole.fields["label"]
        held_out = _held_out(label, self.val) if self._part == "train" else np.ones(len(label), bool)
        return np.flatnonzero(held_out == (self.split != "train"))

    @property
    def _part(self) -> Part:
        return "test" if self.split == "test" else "train"

    def _read(self, part: Part, files: PartFiles) -> _Whole:
        fields = files.read()
        if (count := len(fields["label"])) != self.sizes[part]:
            raise DataError(
                f"The files of '{self.component()}' in {self.folder} have {count:,} rows for {part} instead of "
                f"{self.sizes[part]:,}. Remove them, and they are fetched again."
            )
        return _Whole(fields)


def _held_out(label: np.ndarray, count: int) -> np.ndarray:
    """Whether each row is for validation: `count` rows at equal distances among those sorted by label."""
    places = (2 * np.arange(count) + 1) * len(label) // max(1, 2 * count)
    chosen = np.zeros(len(label), bool)
    chosen[np.argsort(label, kind="stable")[places]] = True
    return chosen
