"""CIFAR-100: small colour photographs of 100 classes in 20 superclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

import numpy as np

from akid_core.data.augmenter import Fields
from akid_core.data.source import About
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.sources.archive_set import ArchiveSet
from akid_datasets.sources.cifar_forms import FACTS, Archive, cifar_forms
from akid_datasets.sources.known import Part

Labels = Literal["fine", "coarse", "hierarchical"]

SUPERCLASSES: Mapping[str, tuple[str, ...]] = {
    "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
"""The classes of each superclass; the files number both by the alphabet."""


@dataclass(frozen=True, kw_only=True)
class Cifar100(ArchiveSet):
    """60,000 photographs: 50,000 to train, of which `val` to validate, 10,000 to test, 100 classes of equal size.

    `image`: (batch, 3, 32, 32) uint8, red, green, blue, 0 to 255. `coarse`: (batch,) int64, the superclass, 0 to 19.
    `label`: (batch,) int64, by `labels`: "fine", the class, 0 to 99, by the alphabet; "hierarchical", the class so
    numbered that the five of superclass c are 5 c to 5 c + 4; "coarse", the superclass.
    """

    sizes: ClassVar[Mapping[Part, int]] = {"train": 50_000, "test": 10_000}
    forms = cifar_forms(
        Archive(
            name="cifar-100-binary.tar.gz",
            digest="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            size=168_513_733,
            folder="cifar-100-binary",
        ),
        Archive(
            name="cifar-100-python.tar.gz",
            digest="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            folder="cifar-100-python",
        ),
        parts={"train": ("train",), "test": ("test",)},
        classes={"coarse_labels": 20, "fine_labels": 100},
    )
    facts: ClassVar[About] = {
        "title": "CIFAR-100: 60,000 colour photographs of 32x32 pixels in 100 classes",
        **FACTS,
    }

    labels: Labels = "fine"

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        label = TensorSpec(("N",), "int64", "N")
        return {"image": TensorSpec(("N", 3, 32, 32), "uint8", "NCHW"), "label": label, "coarse": label}

    def about(self) -> About:
        return {**super().about(), "classes": class_names(self.labels)}

    def made_of(self, stored: Fields, part: Part) -> Fields:
        fine, coarse = stored["fine_labels"], stored["coarse_labels"]
        wrong = np.flatnonzero(_hierarchical()[fine] // 5 != coarse)
        if wrong.size:
            row = int(wrong[0])
            raise DataError(
                f"The files of 'cifar100' in {self.folder} do not fit: row {row} for {part} has the class {fine[row]}, "
                f"which is not of the superclass {coarse[row]}. Remove them, and they are fetched again."
            )
        labels = {"fine": fine, "coarse": coarse, "hierarchical": _hierarchical()[fine]}
        return {"image": stored["image"], "label": labels[self.labels], "coarse": coarse}


def class_names(labels: Labels) -> tuple[str, ...]:
    """What the labels mean, from 0 on."""
    by_superclass = tuple(name for names in SUPERCLASSES.values() for name in names)
    return {"fine": tuple(sorted(by_superclass)), "coarse": tuple(SUPERCLASSES), "hierarchical": by_superclass}[labels]


@cache
def _hierarchical() -> np.ndarray:
    """The hierarchical number of each class, (100,) int64."""
    places = {name: place for place, name in enumerate(class_names("hierarchical"))}
    return np.array([places[name] for name in class_names("fine")], np.int64)
