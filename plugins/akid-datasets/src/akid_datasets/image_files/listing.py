"""Listing: which image files there are below a folder, in folders of classes, and the label of each."""

from __future__ import annotations

import hashlib
import os
import warnings
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from akid_core.errors import AkidWarning, DataError
from akid_datasets.formats.decoding import SUFFIXES
from akid_datasets.formats.splits import file_digest

_SAMPLE = 64  # files that are read to know the data again


@dataclass(frozen=True, eq=False)
class Listing:
    """Image files below `root`. The names lie in one piece, as millions of objects would take ten times the memory.

    `names`: the paths from `root`, with "/", one after another; `ends` (files + 1,) int64: where each ends, after a 0;
    `labels` (files,) int64.
    """

    root: Path
    names: bytes
    ends: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, root: Path, files: Iterator[tuple[bytes, int]]) -> Self:
        """The listing of files, given by name and label."""
        names, ends, labels = bytearray(), array("q", [0]), array("q")
        for name, label in files:
            names += name
            ends.append(len(names))
            labels.append(label)
        return cls(root, bytes(names), np.array(ends, np.int64), np.array(labels, np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, row: int) -> bytes:
        return self.names[self.ends[row] : self.ends[row + 1]]

    def path(self, row: int) -> Path:
        return self.root / os.fsdecode(self.name(row))

    def between(self, low: float, high: float) -> Listing:
        """The files whose names' digests, as numbers of 0 to 1, are at least `low` and below `high`."""
        files = ((self.name(row), int(label)) for row, label in enumerate(self.labels))
        return Listing.of(self.root, (file for file in files if low <= _fraction(file[0]) < high))

    def digest(self) -> str:
        """A digest of the names, labels and sizes of all files, and of what is in some that are spread over them.

        So a file that is changed and keeps its size may go unseen. Raises `DataError` for a file that is gone.
        """
        sizes = array("q")
        some = np.unique(np.linspace(0, len(self) - 1, min(_SAMPLE, len(self))).astype(np.int64))
        try:
            sizes.extend(self.path(row).stat().st_size for row in range(len(self)))
            contents = file_digest(*map(self.path, some.tolist()))
        except OSError as error:
            raise DataError(f"The image {os.fsdecode(error.filename)} cannot be read: {error.strerror}.") from error
        digest = hashlib.blake2b(self.names, digest_size=16)
        digest.update(self.ends.tobytes() + self.labels.tobytes() + sizes.tobytes() + contents.encode())
        return digest.hexdigest()


def class_folders(root: Path) -> tuple[str, ...]:
    """The names of the folders in `root`, sorted. Raises `DataError` where there are none."""
    try:
        names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"The folder {root.absolute()} cannot be read: {error.strerror or error}. It should have a folder of "
            "images for each class."
        ) from error
    if not names:
        raise DataError(f"The folder {root} has no folders; it should have one with images for each class.")
    return tuple(names)


def classified(root: Path, classes: Sequence[str], *, complete: bool) -> Listing:
    """The images in the folders of `classes`, in their order, and by name in each; folders in them count, too.

    Raises `DataError` where the folder of a class is missing or empty, if they must be `complete`.
    """
    listing = Listing.of(
        root, ((name, label) for label, folder in enumerate(classes) for name in image_names(root, folder))
    )
    lacking = set(range(len(classes))) - set(np.unique(listing.labels).tolist()) if complete else ()
    for label in sorted(lacking):
        folder = root / classes[label]
        what = "has no images" if folder.is_dir() else "is missing"
        raise DataError(f"The folder {folder} of the class '{classes[label]}' {what}.")
    return listing


def image_names(root: Path, folder: str = "") -> Iterator[bytes]:
    """The images in a folder of `root`, and in those below it, as paths from `root`, sorted.

    Hidden files are passed over; so are files with other endings than those of images, with a warning.
    """
    other: list[str] = []
    found: list[bytes] = []
    for place, folders, files in os.walk(root / folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(place).relative_to(root)
        for name in files:
            if name.rpartition(".")[2].lower() in SUFFIXES and not name.startswith("."):
                found.append(os.fsencode((below / name).as_posix()))
            elif not name.startswith("."):
                other.append(str(below / name))
    if other:
        count = "1 file" if len(other) == 1 else f"{len(other)} files"
        warnings.warn(
            f"Left out of {root / folder}, as no images by their names: {count}, such as {min(other)}.",
            AkidWarning,
            stacklevel=2,
        )
    found.sort()
    yield from found


def _fraction(name: bytes) -> float:
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") / 2**64
