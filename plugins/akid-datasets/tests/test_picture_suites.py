"""What every augmenter promises, of those of the picture engine, on bytes and on floating numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from akid_core.data import Augmenter
from akid_core.testing.augmenters import AugmenterSuite
from akid_datasets.augmenters.brightness import Brightness
from akid_datasets.augmenters.contrast import Contrast
from akid_datasets.augmenters.crop import Crop
from akid_datasets.augmenters.flip import Flip
from akid_datasets.augmenters.normalize import Normalize
from akid_datasets.augmenters.pad import Pad
from akid_datasets.augmenters.rescale import Rescale


class Suite(AugmenterSuite):
    made: ClassVar[Augmenter]

    @pytest.fixture
    def augmenter(self) -> Augmenter:
        return self.made

    @pytest.fixture(params=["uint8", "float32"])
    def rows(self, request: pytest.FixtureRequest) -> Mapping[str, np.ndarray]:
        values = np.random.default_rng(0).random((12, 3, 24, 28)) * (255 if request.param == "uint8" else 1)
        return {"image": values.astype(request.param), "mask": np.arange(12 * 24 * 28).reshape(12, 24, 28)}


class TestCrop(Suite):
    made = Crop(size=(9, 30), pad=2, fill=(1, 2, 3))


class TestCropOfImageAndMask(Suite):
    made = Crop(pad=(2, 0), fields=("image", "mask"))


class TestCentreCrop(Suite):
    made = Crop(size=8, centre=True)
    random = False


class TestPad(Suite):
    made = Pad(pixels=(1, 2), fill=7, fields=("image", "mask"))
    random = False


class TestFlip(Suite):
    made = Flip(direction="vertical", chance=0.3)


class TestBrightness(Suite):
    made = Brightness(strength=0.1)


class TestContrast(Suite):
    made = Contrast(strength=0.3, around=0.4)


class TestContrastAroundTheMean(Suite):
    made = Contrast(around="mean")


class TestRescale(Suite):
    made = Rescale(low=-1.0)
    random = False


class TestNormalize(Suite):
    made = Normalize(statistics="cifar100")
    random = False
