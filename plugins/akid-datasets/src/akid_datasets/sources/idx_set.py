"""IDX sets: 28x28 images in grey of 10 classes, in four files of the format IDX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from akid_core.specs import TensorSpec
from akid_datasets.download import RemoteFile, fetch_all
from akid_datasets.formats.idx import read_labelled
from akid_datasets.sources.known import KnownSet, Part, PartFiles


@dataclass(frozen=True)
class Digests:
    """What is known of a file: sha256 of it packed and unpacked, and its bytes packed."""

    packed: str
    raw: str
    size: int


def remote_files(addresses: tuple[str, ...], digests: tuple[Digests, ...]) -> Mapping[Part, tuple[RemoteFile, ...]]:
    """Images and labels for training and for test, to be had from `addresses`; `digests` in that order."""
    names = [f"{part}-{content}-ubyte.gz" for part in ("train", "t10k") for content in ("images-idx3", "labels-idx1")]
    files = tuple(
        RemoteFile(
            name=name,
            urls=tuple(address + name for address in addresses),
            digest=f"sha256:{known.packed}",
            raw_digest=f"sha256:{known.raw}",
            size=known.size,
        )
        for name, known in zip(names, digests, strict=True)
    )
    return {"train": files[:2], "test": files[2:]}


@dataclass(frozen=True, kw_only=True)
class IdxSet(KnownSet):
    """Subclass it with the files and the facts."""

    sizes: ClassVar[Mapping[Part, int]] = {"train": 60_000, "test": 10_000}
    files: ClassVar[Mapping[Part, tuple[RemoteFile, ...]]]
    places: ClassVar[tuple[Path, ...]] = ()
    """Where the files may lie besides the folder."""

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"image": TensorSpec(("N", 1, 28, 28), "uint8", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}

    def fetch(self) -> None:
        fetch_all([file for files in self.files.values() for file in files], self.folder, self.places)

    def stored(self, part: Part) -> PartFiles:
        images, labels = fetch_all(self.files[part], self.folder, self.places)
        return PartFiles((images, labels), partial(read_labelled, images, labels, (28, 28), classes=10))
