"""CIFAR-10: small colour photographs of 10 classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from akid_core.specs import TensorSpec
from akid_datasets.download import RemoteFile
from akid_datasets.formats.cifar import HOME, read_binary, read_pickled
from akid_datasets.sources.archive_set import ArchiveSet, Form
from akid_datasets.sources.known import Fields, Part

_LABELS = {"labels": 10}


@dataclass(frozen=True, kw_only=True)
class Cifar10(ArchiveSet):
    """60,000 photographs: 50,000 to train, of which `val` to validate, 10,000 to test, 10 classes of equal size.

    `image`: (batch, 3, 32, 32) uint8, red, green, blue, 0 to 255. `label`: (batch,) int64, 0 to 9.
    """

    sizes: ClassVar[Mapping[Part, int]] = {"train": 50_000, "test": 10_000}
    forms = (
        Form(
            archive=RemoteFile(
                name="cifar-10-binary.tar.gz",
                urls=(HOME + "cifar-10-binary.tar.gz",),
                digest="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                size=170_052_171,
            ),
            folder="cifar-10-batches-bin",
            parts={
                "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
                "test": ("test_batch.bin",),
            },
            read=partial(read_binary, classes=_LABELS),
        ),
        Form(
            archive=RemoteFile(
                name="cifar-10-python.tar.gz",
                urls=(HOME + "cifar-10-python.tar.gz",),
                digest="sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            ),
            folder="cifar-10-batches-py",
            parts={"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)},
            read=partial(read_pickled, classes=_LABELS),
        ),
    )
    facts: ClassVar[Mapping[str, str]] = {
        "title": "CIFAR-10: 60,000 colour photographs of 32x32 pixels in 10 classes",
        "home": "https://www.cs.toronto.edu/~kriz/cifar.html",
        "licence": "none stated; the authors ask to be cited",
        "citation": "A. Krizhevsky, Learning multiple layers of features from tiny images, technical report (2009)",
        "classes": "airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck",
    }

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"image": TensorSpec(("N", 3, 32, 32), "uint8", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}

    def made_of(self, stored: Fields, part: Part) -> Fields:
        return {"image": stored["image"], "label": stored["labels"]}
