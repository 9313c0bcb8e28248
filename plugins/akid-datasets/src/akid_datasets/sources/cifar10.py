"""CIFAR-10: small colour photographs of 10 classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from akid_core.data.augmenter import Fields
from akid_core.data.source import About
from akid_core.specs import TensorSpec
from akid_datasets.sources.archive_set import ArchiveSet
from akid_datasets.sources.cifar_forms import FACTS, Archive, cifar_forms
from akid_datasets.sources.known import Part


@dataclass(frozen=True, kw_only=True)
class Cifar10(ArchiveSet):
    """60,000 photographs: 50,000 to train, of which `val` to validate, 10,000 to test, 10 classes of equal size.

    `image`: (batch, 3, 32, 32) uint8, red, green, blue, 0 to 255. `label`: (batch,) int64, 0 to 9.
    """

    sizes: ClassVar[Mapping[Part, int]] = {"train": 50_000, "test": 10_000}
    forms = cifar_forms(
        Archive(
            name="cifar-10-binary.tar.gz",
            digest="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            size=170_052_171,
            folder="cifar-10-batches-bin",
        ),
        Archive(
            name="cifar-10-python.tar.gz",
            digest="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            folder="cifar-10-batches-py",
        ),
        parts={"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)},
        classes={"labels": 10},
    )
    facts: ClassVar[About] = {
        "title": "CIFAR-10: 60,000 colour photographs of 32x32 pixels in 10 classes",
        **FACTS,
        "classes": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    }

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"image": TensorSpec(("N", 3, 32, 32), "uint8", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}

    def made_of(self, stored: Fields, part: Part) -> Fields:
        return {"image": stored["image"], "label": stored["labels"]}
