"""The suites of the kit on what this distribution brings."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.testing.augmenters import AugmenterSuite
from akid_core.testing.hygiene import HygieneSuite
from akid_datasets.augmenters.shift import Shift


class TestShift(AugmenterSuite):
    @pytest.fixture
    def augmenter(self) -> Shift:
        return Shift(pixels=2)

    @pytest.fixture
    def rows(self) -> dict[str, np.ndarray]:
        return {"image": np.random.default_rng(0).normal(size=(20, 1, 6, 5)).astype(np.float32)}


class TestImports(HygieneSuite):
    module = "akid_datasets.plugin"
