"""Archive sets: known sets whose files come in an archive, perhaps in one of several forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from akid_core.data.augmenter import Fields
from akid_datasets.download import RemoteFile, extract, fetch, locate
from akid_datasets.sources.known import KnownSet, Part, PartFiles


@dataclass(frozen=True, kw_only=True, eq=False)
class Form:
    """A form that a set comes in: an archive, the folder in it, the files in that for each part, how one is read."""

    archive: RemoteFile
    folder: str
    parts: Mapping[Part, tuple[str, ...]]
    read: Callable[[Path], Fields]

    def found(self, folder: Path) -> Path | None:
        """The folder with all files of this form: put into `folder` by the user, or unpacked there; None without."""
        names = [name for part in self.parts.values() for name in part]
        for above in (folder, self._unpacked(folder)):
            if all((above / self.folder / name).is_file() for name in names):
                return above / self.folder
        return None

    def unpack(self, archive: Path, folder: Path) -> Path:
        return extract(archive, self._unpacked(folder)) / self.folder

    def _unpacked(self, folder: Path) -> Path:
        return folder / self.archive.name.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class ArchiveSet(KnownSet):
    """Subclass it with the forms, the one to download first, the facts, and what becomes of the fields of the files.

    Files that are there are used: those of an archive that you unpacked, else an archive.
    """

    forms: ClassVar[tuple[Form, ...]]

    def fetch(self) -> None:
        self._found()

    def stored(self, part: Part) -> PartFiles:
        form, folder = self._found()
        paths = tuple(folder / name for name in form.parts[part])
        return PartFiles(paths, partial(self._joined, part, form, paths))

    def made_of(self, stored: Fields, part: Part) -> Fields:
        """What becomes of the fields of the files for `part`; by default they stay as they are."""
        return stored

    def _joined(self, part: Part, form: Form, paths: Sequence[Path]) -> Fields:
        """The rows of one file after another."""
        pieces = [form.read(path) for path in paths]
        return self.made_of({name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}, part)

    def _found(self) -> tuple[Form, Path]:
        for form in self.forms:
            if found := form.found(self.folder):
                return form, found
        for form in self.forms:
            if archive := locate(form.archive, self.folder):
                return form, form.unpack(archive, self.folder)
        form = self.forms[0]
        return form, form.unpack(fetch(form.archive, self.folder), self.folder)
