"""Imagenet: the 1,000 classes of the ILSVRC challenge, as its files lie."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from akid_core.data import Sampler, Source
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.formats.decoding import Decoding
from akid_datasets.formats.matlab import read_table
from akid_datasets.image_files.listing import Listing, image_names
from akid_datasets.shards.member import Member
from akid_datasets.sources.image_folder import ImageFolder
from akid_datasets.sources.shards import Shards

CLASSES = 1000
_DEVKIT = "ILSVRC2012_devkit_t12"
_TRUTH, _META = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
_SOLUTION = "LOC_val_solution.csv"


@dataclass(frozen=True, kw_only=True)
class Imagenet(Decoding, Source):
    """1,281,167 photographs to train and 50,000 to validate, of 1,000 classes; to be got from its home by yourself.

    `image`: (batch, channels, height, width) uint8, by default 256 by 256: the shorter side is made as long, and the
    middle of the longer one taken. `label`: (batch,) int64, the place of the class's WordNet number among all, sorted.

    `path` is one of:

    - a folder with `train/n01440764/*.JPEG` and so on, and `val` with such folders, too, or with all its images in one
      as the challenge gives them. Their classes then are in `LOC_val_solution.csv`, or in the development kit `devkit`
      (a folder; by default `ILSVRC2012_devkit_t12`), each looked for in `path`.
    - a folder of shards as `shards` reads them, with `train` or `val` in their names, images as `jpg` or `jpeg` and
      labels as `cls`.

    Data: O. Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", 2015,
    https://doi.org/10.1007/s11263-015-0816-y, for non-commercial research; https://www.image-net.org.
    """

    path: str | Path
    size: int | tuple[int, int] | None = 256
    devkit: str | Path | None = None

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return self._files.spec

    def __len__(self) -> int:
        return len(self._files)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._files.rows(indices)

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        return self._files.field_rows(name, indices)

    def order(self) -> Sampler | None:
        return self._files.order()

    def fingerprint(self) -> str:
        return self._files.fingerprint()

    def about(self) -> Mapping[str, str]:
        return {
            "title": "ImageNet Large Scale Visual Recognition Challenge 2012",
            "home": "https://www.image-net.org",
            "licence": "for non-commercial research; each image is its author's",
            "citation": "O. Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 115, 2015",
            "folder": str(self.path),
        }

    @cached_property
    def _files(self) -> Source:
        root = Path(self.path).expanduser()
        settings = {setting.name: getattr(self, setting.name) for setting in fields(Decoding)}
        shards = {split: tuple(sorted(map(str, root.glob(f"*{split}*.tar")))) for split in ("train", "val")}
        if not shards["train"]:
            return _Folders(split=self.split, path=root, devkit=self.devkit, **settings)
        members: dict[str, str | Member] = {
            "image": Member(ending="jpg|jpeg", **settings),
            "label": Member(ending="cls", classes=CLASSES),
        }
        return Shards(split=self.split, train=shards["train"], val=shards["val"], fields=members)


@dataclass(frozen=True, kw_only=True)
class _Folders(ImageFolder):
    """ImageNet in folders, where those to validate may lie in one."""

    devkit: str | Path | None = None

    @cached_property
    def _listing(self) -> Listing:
        folder = self._folder("val")
        if self.split != "val" or not folder.is_dir() or any(entry.is_dir() for entry in folder.iterdir()):
            return super()._listing
        names = list(image_names(folder))
        labels = self._labels([Path(name.decode("utf-8", "replace")).stem for name in names])
        return Listing.of(folder, zip(names, labels, strict=True))

    def _labels(self, stems: list[str]) -> list[int]:
        """The labels of the images to validate, by their names without endings."""
        root = Path(self.path)
        label = {name: number for number, name in enumerate(self.class_names)}
        devkit = Path(self.devkit).expanduser() if self.devkit else root / _DEVKIT
        if (root / _SOLUTION).is_file() and not self.devkit:
            source, classes = root / _SOLUTION, _solution(root / _SOLUTION)
        else:
            source, classes = devkit, _ground_truth(devkit / "data" if (devkit / "data").is_dir() else devkit, stems)
        for stem in stems:
            if classes.get(stem) not in label:
                said = f"the class {classes[stem]}, which train does not have" if stem in classes else "no class"
                raise DataError(f"{source} has {said} for the image {stem} in {root / 'val'}.")
        return [label[classes[stem]] for stem in stems]


def _solution(path: Path) -> dict[str, str]:
    """The class of each image, by name: a table of names, and of a class with the corners of a box for each object."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row[0]: row[1].partition(" ")[0] for row in csv.reader(file) if len(row) == 2}


def _ground_truth(folder: Path, stems: list[str]) -> dict[str, str]:
    """The class of each image, by name, from the development kit: line n of its list is the number of image n's."""
    for name in (_TRUTH, _META):
        if not (folder / name).is_file():
            raise DataError(
                f"{folder / name} is missing, without which the classes of the images to validate are not known. Put "
                f"the development kit of ILSVRC 2012 there, name it by 'devkit', put {_SOLUTION} beside 'val', or sort "
                "the images into a folder for each class."
            )
    numbers = (folder / _TRUTH).read_text(encoding="ascii").split()
    if len(numbers) != len(stems):
        raise DataError(f"{folder / _TRUTH} has {len(numbers)} lines for {len(stems)} images.")
    names: dict[str, str] = {}
    for row in read_table(folder / _META, "synsets"):
        number, wordnet = row.get("ILSVRC2012_ID"), row.get("WNID")
        if isinstance(number, np.ndarray) and isinstance(wordnet, str):
            names[str(int(number[0]))] = wordnet
    return {stem: names.get(number, f"number {number}") for stem, number in zip(stems, numbers, strict=True)}
