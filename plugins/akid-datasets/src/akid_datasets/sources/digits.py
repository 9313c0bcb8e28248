"""Digits: real handwritten digits, small enough to ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from akid_core.data import Source
from akid_core.data.source import About
from akid_core.specs import TensorSpec

_PLACES = {"val": (0,), "test": (1,), "train": (2, 3, 4)}


@dataclass(frozen=True, kw_only=True)
class Digits(Source):
    """1,797 handwritten digits by 13 writers, in 1,077 rows to train, 360 to validate and 360 to test.

    `image`: (batch, 1, 8, 8) float32, 0 (paper) to 1 (ink) in steps of 1/16. `label`: (batch,) int64, 0 to 9.

    The split is a rule: with the rows sorted by label, and by their order in the file within a label, every fifth row
    from the first is for validation, every fifth from the second for test, the rest for training. So each digit is
    split alike, to within one row.

    Data: the test set of E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, licensed CC BY 4.0
    (https://creativecommons.org/licenses/by/4.0/); packed unchanged into one file.
    """

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {
            "image": TensorSpec(("N", 1, 8, 8), "float32", "NCHW"),
            "label": TensorSpec(("N",), "int64", "N"),
        }

    def __len__(self) -> int:
        return len(_load(self.split)["label"])

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {name: values.take(indices, axis=0) for name, values in _load(self.split).items()}

    def about(self) -> About:
        return {
            "title": "Optical recognition of handwritten digits: the test set of 1,797 digits of 8x8 pixels",
            "home": "https://doi.org/10.24432/C50P49",
            "licence": "CC BY 4.0",
            "citation": (
                "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository "
                "(1998)"
            ),
            "classes": tuple("0123456789"),
        }

    @property
    def in_memory(self) -> bool:
        return True


@cache
def _load(split: str) -> dict[str, np.ndarray]:
    with (files("akid_datasets") / "data" / "digits.npz").open("rb") as file, np.load(file) as stored:
        image, label = stored["image"], stored["label"]
    place = np.empty(len(label), np.int64)
    place[np.argsort(label, kind="stable")] = np.arange(len(label)) % 5
    chosen = np.isin(place, _PLACES[split])
    return {
        "image": (image[chosen, np.newaxis] / 16).astype(np.float32),
        "label": label[chosen].astype(np.int64),
    }
