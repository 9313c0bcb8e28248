"""Digits: the data are the UCI test set, split as documented."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from akid_core.data import Source
from akid_core.testing.sources import SourceSuite
from akid_datasets.sources.digits import Digits

SIZES = {"train": 1077, "val": 360, "test": 360}


class TestDigits(SourceSuite):
    splits = ("train", "val", "test")

    def source(self) -> Source:
        return Digits()


def everything(split: str) -> tuple[np.ndarray, np.ndarray]:
    source = Digits(split=split)
    rows = source.rows(np.arange(len(source)))
    return rows["image"], rows["label"]


def test_sizes_and_ranges() -> None:
    for split, size in SIZES.items():
        image, label = everything(split)
        assert len(image) == len(label) == len(Digits(split=split)) == size
        assert (image.min(), image.max()) == (0.0, 1.0)
        assert np.array_equal(image * 16, np.rint(image * 16))


def test_classes_are_those_of_the_original() -> None:
    # the class distribution that the data set's own description states for its test set, 0 to 9
    stated = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    counts = {split: np.bincount(everything(split)[1], minlength=10) for split in SIZES}
    assert np.array_equal(sum(counts.values()), stated)
    for split, size in SIZES.items():
        assert (np.abs(counts[split] - stated * size / 1797) < 1.5).all()


def test_the_split_is_every_fifth_row_of_a_class() -> None:
    with (files("akid_datasets") / "data" / "digits.npz").open("rb") as file, np.load(file) as stored:
        image, label = stored["image"], stored["label"]
    ordered = sorted(range(len(label)), key=lambda row: (label[row], row))
    expected = {"val": sorted(ordered[0::5]), "test": sorted(ordered[1::5])}
    expected["train"] = sorted(set(ordered) - set(expected["val"]) - set(expected["test"]))
    for split, rows in expected.items():
        assert np.array_equal(everything(split)[0][:, 0] * 16, image[rows])
        assert np.array_equal(everything(split)[1], label[rows])


def test_no_image_is_in_two_splits() -> None:
    seen = {split: {image.tobytes() for image in everything(split)[0]} for split in SIZES}
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["val"]
    assert not seen["val"] & seen["test"]


def test_the_file_is_small() -> None:
    assert len((files("akid_datasets") / "data" / "digits.npz").read_bytes()) < 100_000


def test_what_there_is_to_know() -> None:
    about = Digits().about()
    assert set(about) == {"title", "home", "licence", "citation", "classes"}
    assert about["classes"] == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
