"""ImageFolder: images in folders, one for each class."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from akid_core.data import Source
from akid_core.data.source import SPLITS, About
from akid_core.errors import AkidWarning, DataError
from akid_core.specs import TensorSpec
from akid_datasets.formats.decoding import Decoding
from akid_datasets.image_files.listing import Listing, class_folders, classified
from akid_datasets.image_files.reading import image_spec, read_images


@dataclass(frozen=True, kw_only=True)
class ImageFolder(Decoding, Source):
    """Images in files, in a folder for each class: `path/train/cat/*.jpg`, and the same for `val` and `test`.

    `image`: (batch, channels, height, width) uint8. `label`: (batch,) int64, the place of the folder's name among
    `classes`; by default these are the names of the folders of the training split, sorted. Folders that are not among
    given `classes` are left out. Rows are in the order of the classes, and of the names of the files in each.

    Without a folder `train`, `path` itself has the folders of the classes. `val_share` and `test_share` are then the
    shares of its images that are held out. The rule: the digest of `class/name` is a number between 0 and 1; images
    below `test_share` are for testing, those below the sum of both for validation, the rest for training. So an image
    stays where it is whatever joins it, and the shares are kept on average.

    How images become alike is said by the settings of `Decoding`; without a `size` all must have that of the first.

    Raises `DataError` for folders that are missing, empty, or of a class that training does not have; and, naming file
    and row, for images that are empty or do not decode. Hidden files, and those not named like images, are no rows;
    there is a warning about the latter, and about folders like `validation` for `val`.
    """

    path: str | Path
    classes: tuple[str, ...] | None = None
    val_share: float = 0.0
    test_share: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes is not None:
            object.__setattr__(self, "classes", tuple(self.classes))
            if len(set(self.classes)) != len(self.classes) or not self.classes:
                raise ValueError(f"classes must be different names of folders, got {list(self.classes)}")
        if min(self.val_share, self.test_share) < 0 or self.val_share + self.test_share >= 1:
            raise ValueError(
                f"val_share and test_share must be at least 0 and leave something to train on, got {self.val_share} "
                f"and {self.test_share}"
            )

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"image": self._image_spec, "label": TensorSpec(("N",), "int64", "N")}

    def __len__(self) -> int:
        return len(self._listing)

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        image = read_images(self._listing, indices, self, self.spec["image"], self.split)
        return {"image": image, "label": self._listing.labels[indices]}

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        return self._listing.labels[indices] if name == "label" else self.rows(indices)[name]

    def fingerprint(self) -> str:
        return self._listing.digest()

    def about(self) -> About:
        return {"folder": str(self.path), "classes": self.class_names}

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, by label."""
        return self.classes or class_folders(self._folder("train"))

    @cached_property
    def _listing(self) -> Listing:
        folder, train = self._folder(self.split), self.split == "train"
        if not self._divided:
            return classified(folder, self.class_names, complete=True).between(*self._shares())
        if not folder.is_dir() and not train:
            return Listing.of(folder, iter(()))
        if self.classes is None:
            for name in class_folders(folder):
                if name not in self.class_names:
                    raise DataError(
                        f"The folder {folder / name} is of no class that there is in {folder.parent / 'train'}."
                    )
        return classified(folder, self.class_names, complete=train)

    @cached_property
    def _divided(self) -> bool:
        """Whether there is a folder for each split. Raises `DataError` where there is, and parts are to be held out."""
        root = Path(self.path).expanduser()
        train = root / "train"
        divided = train.is_dir() and any(entry.is_dir() for entry in train.iterdir())
        if divided and self.val_share + self.test_share:
            raise DataError(f"{self.path} has folders for its splits already; leave out val_share and test_share.")
        if divided:
            _warn_of_others(root)
        return divided

    def _folder(self, split: str) -> Path:
        """The folder with the classes of a split."""
        root = Path(self.path).expanduser()
        return root / split if self._divided else root

    def _shares(self) -> tuple[float, float]:
        """Of a folder without splits, which part is this split."""
        held_out = self.test_share + self.val_share
        return {"test": (0.0, self.test_share), "val": (self.test_share, held_out), "train": (held_out, 1.0)}[
            self.split
        ]

    @cached_property
    def _image_spec(self) -> TensorSpec:
        source = self if self.split == "train" else replace(self, split="train")
        return image_spec(source._listing, self, "train")


def _warn_of_others(root: Path) -> None:
    """Warn of folders that may have been meant as a split that is missing, such as `validation` for `val`."""
    lacking = [split for split in SPLITS if not (root / split).is_dir()]
    for name in class_folders(root):
        for split in lacking:
            if name.lower().startswith(split):
                warnings.warn(
                    f"The folder {root / name} is left out: one for this split is called '{split}'.",
                    AkidWarning,
                    stacklevel=2,
                )
