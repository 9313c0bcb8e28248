"""What every augmenter promises, of those that are not about moving and shading pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from akid_core.data import Augmenter
from akid_core.testing.augmenters import AugmenterSuite
from akid_datasets.augmenters.affine import Affine
from akid_datasets.augmenters.albumentations import Albumentations
from akid_datasets.augmenters.cutmix import Cutmix
from akid_datasets.augmenters.cutout import Cutout
from akid_datasets.augmenters.gaussian_noise import GaussianNoise
from akid_datasets.augmenters.gcn import GCN
from akid_datasets.augmenters.grey import Grey
from akid_datasets.augmenters.hue import Hue
from akid_datasets.augmenters.jitter import Jitter
from akid_datasets.augmenters.masking import Masking
from akid_datasets.augmenters.mixup import Mixup
from akid_datasets.augmenters.one_by_one import Gives
from akid_datasets.augmenters.one_hot import OneHot
from akid_datasets.augmenters.per_row import PerRow
from akid_datasets.augmenters.random_resized_crop import RandomResizedCrop
from akid_datasets.augmenters.resize import Resize
from akid_datasets.augmenters.rotate import Rotate
from akid_datasets.augmenters.saturation import Saturation
from akid_datasets.augmenters.whiten import Whiten
from akid_datasets.augmenters.zca import ZCA


class Suite(AugmenterSuite):
    made: Augmenter

    @pytest.fixture
    def augmenter(self) -> Augmenter:
        return self.made


class Pictures(Suite):
    """On coloured pictures in bytes, and their labels."""

    @pytest.fixture
    def rows(self) -> Mapping[str, np.ndarray]:
        random = np.random.default_rng(0)
        return {
            "image": random.integers(0, 256, (12, 3, 9, 8)).astype(np.uint8),
            "mask": random.integers(0, 5, (12, 9, 8)),
            "label": np.arange(12) % 4,
        }


class Floats(Suite):
    """On the same in floating numbers."""

    @pytest.fixture
    def rows(self) -> Mapping[str, np.ndarray]:
        random = np.random.default_rng(0)
        return {"image": random.random((12, 3, 9, 8)).astype(np.float32), "label": np.arange(12) % 4}


class TestSaturation(Pictures):
    made = Saturation()


class TestSaturationOfFloats(Floats):
    made = Saturation(strength=0.9)


class TestHue(Pictures):
    made = Hue(turn=0.5)


class TestHueOfFloats(Floats):
    made = Hue()


class TestGrey(Pictures):
    made = Grey(chance=0.5)


class TestGreyOfOneChannel(Pictures):
    made, random = Grey(chance=1, channels=1), False


class TestRotate(Pictures):
    made = Rotate(degrees=180, fields=("image", "mask"))


class TestAffine(Floats):
    made = Affine(degrees=10, translate=(0.2, 0.1), scale=(0.7, 1.4), shear=20, fill=0.5)


class TestAffineByTheNearestPixel(Pictures):
    made = Affine(degrees=30, scale=(0.5, 2), method="nearest", fill=(1, 2, 3))


class TestResize(Pictures):
    made, random = Resize(size=5, fields=("image", "mask")), False


class TestResizeOfFloats(Floats):
    made, random = Resize(size=(4, 19), antialias=False), False


class TestRandomResizedCrop(Pictures):
    made = RandomResizedCrop(size=(5, 6), fields=("image", "mask"))


class TestCutout(Pictures):
    made = Cutout(size=(3, 4), fill=7, fields=("image", "mask"))


class TestMixup(Pictures):
    made = Mixup(classes=4, alpha=0.4)


class TestMixupOfFloats(Floats):
    made = Mixup(classes=4, chance=0.7, window=5)


class TestCutmix(Pictures):
    made = Cutmix(classes=4, fields=("image", "mask"), window=7)


class TestOneHot(Pictures):
    made, random = OneHot(classes=4), False


class TestGaussianNoise(Pictures):
    made = GaussianNoise()


class TestGaussianNoiseOfFloats(Floats):
    made = GaussianNoise(deviation=0.2)


class TestWhiten(Pictures):
    made, random = Whiten(), False


class TestGCN(Floats):
    made, random = GCN(bias=0.01), False


class TestZCA(Floats):
    made, random = ZCA(), False


class TestZCAOfBytes(Pictures):
    made, random = ZCA(epsilon=10.0), False


class Sequences(Suite):
    @pytest.fixture
    def rows(self) -> Mapping[str, np.ndarray]:
        random = np.random.default_rng(0)
        return {
            "text": random.integers(1, 50, (12, 11)),
            "series": random.normal(size=(12, 11, 2)),
        }


class TestMasking(Sequences):
    made = Masking(chance=0.3)


class TestMaskingWithItsMask(Sequences):
    made = Masking(count=3, mask="hidden", value=-1, fields=("text", "series"))


class TestJitter(Sequences):
    made = Jitter()


def speckled(row: dict[str, np.ndarray], random: np.random.Generator) -> dict[str, np.ndarray]:
    """One pixel becomes white."""
    picture = row["image"]
    picture.reshape(3, -1)[:, random.integers(0, picture[0].size)] = 255
    return {"image": picture}


class TestPerRow(Pictures):
    made = PerRow(function=f"{__name__}:speckled")


def described(row: dict[str, np.ndarray], random: np.random.Generator) -> dict[str, np.ndarray]:
    """The mean of the channels, and of all."""
    means = row["image"].mean(axis=0, keepdims=True).astype(np.float32)
    return {"image": means, "mean": means.mean()}


class TestPerRowOfOtherFields(Pictures):
    made = PerRow(
        function=f"{__name__}:described",
        gives={"image": Gives(shape=(1, 9, 8), dtype="float32"), "mean": Gives(shape=(), dtype="float32")},
    )
    random = False


COMPOSE = {
    "__version__": "2.0.8",
    "transform": {
        "__class_fullname__": "Compose",
        "p": 1.0,
        "transforms": [
            {"__class_fullname__": "HorizontalFlip", "p": 0.5},
            {"__class_fullname__": "RandomBrightnessContrast", "p": 0.9},
        ],
    },
}


class TestAlbumentations(Pictures):
    made = Albumentations(transform=COMPOSE, fields=("image", "mask"))
    random: ClassVar[bool] = True

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        pytest.importorskip("albumentations")
