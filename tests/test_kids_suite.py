"""The suite for Kids, for those of the core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core import Brain, Kid, Practice
from akid_core import layers as L
from akid_core.data.added import Latent
from akid_core.graph import System
from akid_core.kids import Autoencoder, Denoise, Distill, Gan
from akid_core.testing.kids import KidSuite, classifier

IMAGES = np.random.default_rng(0).uniform(size=(50, 6)).astype(np.float32)


class TestKid(KidSuite):
    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        return Kid


class OfPictures(KidSuite):
    """Kids that need no labels."""

    @pytest.fixture
    def brain(self) -> Brain:
        blocks = (L.Dense(units=4, name="code"), L.Tanh(), L.Dense(units=6, name="pixels"))
        return Brain.sequential(*blocks, inputs="image", outputs="pixels")

    @pytest.fixture
    def own(self) -> Any:
        return None

    @pytest.fixture
    def settings(self, brain: Brain, own: Any) -> dict[str, Any]:
        return {**classifier(), "brain": brain, "train": {"image": IMAGES}, "settings": own}


class TestAutoencoder(OfPictures):
    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        return Autoencoder


class TestDenoise(OfPictures):
    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        return Denoise

    @pytest.fixture
    def own(self) -> Any:
        return Denoise.Settings(spoil=(Latent(fields=("unused",), shape=(2,)),), loss=L.Huber(delta=0.5))


class TestGan(OfPictures):
    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        return Gan

    @pytest.fixture
    def brain(self) -> Brain:
        generator = System.sequential(
            L.Dense(units=8), L.BatchNorm(), L.ReLU(), L.Dense(units=6), L.Sigmoid(), name="generator"
        )
        discriminator = System.sequential(L.Dense(units=8), L.Dropout(rate=0.1), L.Dense(units=1), name="discriminator")
        return Brain.sequential(generator, discriminator, inputs="noise")

    @pytest.fixture
    def own(self) -> Any:
        return Gan.Settings(latent=(3,), every=2, smooth=0.9)


class TestDistill(KidSuite):
    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        return Distill

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        settings = classifier()
        blocks = (L.Dense(units=16), L.BatchNorm(), L.Dropout(rate=0.3), L.Tanh(), L.Dense(units=3, name="logits"))
        teacher = Brain.sequential(*blocks, inputs="x").with_loss(L.SoftmaxCrossEntropy(), "logits", "y")
        Kid(**{**settings, "brain": teacher, "practice": Practice(steps=4)}).practice(run_dir=tmp_path / "teacher")
        return {**settings, "settings": Distill.Settings(teacher=tmp_path / "teacher", temperature=2.0, share=0.7)}
