"""CIFAR forms: the archives that CIFAR-10 and CIFAR-100 come in, of records of bytes and of pickles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from akid_datasets.download import RemoteFile
from akid_datasets.formats.cifar import read_binary, read_pickled
from akid_datasets.sources.archive_set import Form
from akid_datasets.sources.known import Part

_ADDRESS = "https://www.cs.toronto.edu/~kriz/"

FACTS: Mapping[str, str] = {
    "home": f"{_ADDRESS}cifar.html",
    "licence": "none stated; the authors ask to be cited",
    "citation": "A. Krizhevsky, Learning multiple layers of features from tiny images, technical report (2009)",
}
"""What is known of both sets."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One of the archives: its name, its sha256, its bytes where they are known, and the folder in it."""

    name: str
    digest: str
    size: int | None = None
    folder: str

    @property
    def remote(self) -> RemoteFile:
        return RemoteFile(self.name, (_ADDRESS + self.name,), f"sha256:{self.digest}", size=self.size)


def cifar_forms(
    binary: Archive, pickled: Archive, parts: Mapping[Part, tuple[str, ...]], classes: Mapping[str, int]
) -> tuple[Form, ...]:
    """Both forms of a set. `parts`: the pickled files; the binary ones end in `.bin`. `classes`: by label, how many."""
    records = {part: tuple(f"{name}.bin" for name in names) for part, names in parts.items()}
    return (
        Form(archive=binary.remote, folder=binary.folder, parts=records, read=partial(read_binary, classes=classes)),
        Form(archive=pickled.remote, folder=pickled.folder, parts=parts, read=partial(read_pickled, classes=classes)),
    )
