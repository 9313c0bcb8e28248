"""Text: files of text, character by character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.data import Sampler, Source
from akid_core.data.combined.amount import Amount, amount, check_amount
from akid_core.data.samplers import Streams
from akid_core.data.source import Split
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs import TensorSpec
from akid_datasets.formats.characters import CODES, read_characters
from akid_datasets.formats.splits import file_digest
from akid_datasets.sharing import shared

TextPaths = Path | tuple[Path, ...] | Mapping[Split, Path | tuple[Path, ...]]


@dataclass(frozen=True, kw_only=True)
class Text(Source):
    """Windows of `length` characters of a text, and the character that follows each of them.

    `path`: a file, a pattern such as `books/*.txt` (in the order of their names), a list of these that are read as one
    text, or a mapping from splits to them. `val`, `test`: how much of the text to train on is cut off its end for them,
    as a number of characters or a fraction; test is the last. `characters`: those that are known, in the order of their
    indices; by default those of the split 'train', in the order of Unicode. `unknown`: the one of them that stands for
    any other, which is an error otherwise. `streams`: how many parts of the text are read side by side in training, so
    that with the same batch size each row goes on where the same row of the last batch ended; else windows are
    shuffled.

    `text`: (batch, length) int64, indices of characters. `next`: (batch, length) int64, the same one character later.
    Windows follow each other without overlap; what is left at the end is too short for one and is left out.
    """

    path: TextPaths
    length: int
    val: Amount | None = None
    test: Amount | None = None
    characters: str | None = None
    unknown: str | None = None
    streams: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _as_paths(self.path))
        for name in ("length", "streams"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        check_amount("val", self.val)
        check_amount("test", self.test)
        if isinstance(self.path, Mapping) and (self.val or self.test):
            raise ValueError("val and test are cut off one text; leave them out where each split has files of its own")
        if self.characters is not None and len(set(self.characters)) < len(self.characters):
            raise ValueError("characters must name each character once")
        if self.unknown is not None and len(self.unknown) != 1:
            raise ValueError(f"unknown must be one character, got {self.unknown!r}")

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        window = TensorSpec(("N", self.length), "int64", "NT")
        return {"text": window, "next": window}

    def __len__(self) -> int:
        return max(0, len(self._codes) - 1) // self.length

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        places = indices[:, np.newaxis] * self.length + np.arange(self.length + 1)
        found = self._index[self._codes[places]]
        if (found < 0).any():
            row, column = np.argwhere(found < 0)[0]
            self._refuse(int(indices[row]), int(places[row, column]))
        return {"text": found[:, :-1], "next": found[:, 1:]}

    def order(self) -> Sampler | None:
        return None if self.streams is None else Streams(count=self.streams)

    def fingerprint(self) -> str:
        return file_digest(*self._files(self.split))

    @property
    def in_memory(self) -> bool:
        return True

    def about(self) -> Mapping[str, str]:
        return {"files": ", ".join(map(str, self._files("train"))), "characters": repr(self.vocabulary)}

    @cached_property
    def vocabulary(self) -> str:
        """The known characters, each at its index."""
        if self.characters is not None:
            known = self.characters
        else:
            codes = self._codes if self.split == "train" else replace(self, split="train")._codes
            seen = np.zeros(CODES, bool)
            seen[codes] = True
            known = "".join(map(chr, np.flatnonzero(seen).tolist()))
        if self.unknown is not None and self.unknown not in known:
            raise ConfigurationError(
                f"The character {self.unknown!r} stands for unknown ones, but it is not among the known: {known!r}."
            )
        return known

    def decode(self, indices: np.ndarray) -> str:
        """The text that indices (n,) stand for."""
        return "".join(self.vocabulary[index] for index in indices)

    @cached_property
    def _index(self) -> np.ndarray:
        """The index of every character by its code point, int64; -1 where it is not known."""
        index = np.full(CODES, -1 if self.unknown is None else self.vocabulary.index(self.unknown), np.int64)
        index[[ord(character) for character in self.vocabulary]] = np.arange(len(self.vocabulary))
        return index

    @cached_property
    def _codes(self) -> np.ndarray:
        """The code points of this split."""
        files = self._files(self.split)
        text = shared("text", files, lambda: read_characters(files))
        own = isinstance(self.path, Mapping)
        part = text if own else self._cut(text)
        if len(part) <= self.length and (self.split == "train" or (own and files)):
            raise DataError(
                f"{', '.join(map(str, files))}: the split '{self.split}' has {len(part)} characters, but a row takes "
                f"{self.length + 1}, its length and the character that follows; take a smaller length."
            )
        return part

    def _cut(self, text: np.ndarray) -> np.ndarray:
        """This split's part of the text that all of them are cut from."""
        val, test = (0 if wanted is None else amount(wanted, len(text)) for wanted in (self.val, self.test))
        rest = len(text) - val - test
        if rest < 0:
            raise ConfigurationError(
                f"val: {self.val}, test: {self.test} ask for {val + test} characters of a text that has {len(text)}."
            )
        for name, wanted, count in (("val", self.val, val), ("test", self.test, test)):
            if wanted is not None and count <= self.length:
                raise ConfigurationError(
                    f"{name}: {wanted} is {count} of the {len(text)} characters of the text, but a row takes "
                    f"{self.length + 1}, its length and the character that follows; ask for more, or leave it out."
                )
        return {"train": text[:rest], "val": text[rest : rest + val], "test": text[rest + val :]}[self.split]

    def _files(self, split: Split) -> list[Path]:
        """The files of a split, in order."""
        given = self.path.get(split, ()) if isinstance(self.path, Mapping) else self.path
        files: list[Path] = []
        for each in (given,) if isinstance(given, Path) else given:
            path = each.expanduser()
            found = [path] if path.exists() else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
            if not found:
                raise DataError(
                    f"{path} does not exist; it should hold the split '{split}'. Paths begin at {Path.cwd()}."
                )
            files += found
        return files

    def _refuse(self, row: int, place: int) -> None:
        character, files = chr(self._codes[place]), self._files(self.split)
        raise DataError(
            f"{', '.join(map(str, files))}: the character {character!r}, number {place} of the split "
            f"'{self.split}' and in its row {row}, is not known. Name it in `characters`, or say which one stands for "
            f"others, as unknown: ' '."
        )


def _as_paths(path: Any) -> Any:
    """Paths as objects and lists as tuples, whatever they were given as."""
    if isinstance(path, Mapping):
        return {split: _as_paths(each) for split, each in path.items()}
    return tuple(map(Path, path)) if isinstance(path, list | tuple) else Path(path)
