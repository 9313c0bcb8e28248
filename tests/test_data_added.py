"""Augmenters that add a field: promises of every augmenter, values, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.data import Copy, Draws, Latent, Sensor
from akid_core.data.arrays import ArraySource
from akid_core.data.augmenter import Augmenter
from akid_core.errors import ConfigurationError
from akid_core.specs import TensorSpec
from akid_core.testing.augmenters import AugmenterSuite, Rows

IMAGES = np.random.default_rng(0).normal(size=(20, 1, 3, 3)).astype(np.float32)


class TestLatent(AugmenterSuite):
    @pytest.fixture
    def augmenter(self) -> Augmenter:
        return Latent(fields=("noise", "more"), shape=(4, 2))

    @pytest.fixture
    def rows(self) -> Rows:
        return {"image": IMAGES}

    def test_it_refuses_a_batch_without_its_fields(self, augmenter: Augmenter, rows: Rows) -> None:
        with pytest.raises(ValueError, match="'noise', which a batch has already"):
            augmenter.check({**{name: TensorSpec(("N",)) for name in rows}, "noise": TensorSpec(("N", 3))})

    def test_its_evaluation_form_is_certain(self, augmenter: Augmenter, rows: Rows) -> None:
        assert augmenter.evaluation() == augmenter  # what is made of noise needs noise, drawn from the seed


class TestCopy(AugmenterSuite):
    random = False

    @pytest.fixture
    def augmenter(self) -> Augmenter:
        return Copy(fields=("image",), to=("clean",))

    @pytest.fixture
    def rows(self) -> Rows:
        return {"image": IMAGES}


def test_latent_numbers_are_standard_normal() -> None:
    noise = Latent(shape=(50,)).apply({}, Draws(3, "latent", 0, np.arange(2000)))["noise"]
    assert noise.shape == (2000, 50)
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01
    assert abs(np.corrcoef(noise[:, :5].T) - np.eye(5)).max() < 0.1


def test_evaluation_draws_the_same_each_time_and_training_anew() -> None:
    source = ArraySource(data={"train": {"image": IMAGES}})
    sensor = Sensor(source, batch_size=5, augment=(Latent(shape=(3,)),))
    once, again = ([batch.fields["noise"] for batch in sensor.batches()] for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(sensor.batch(0, 0).fields["noise"], sensor.batch(1, 0).fields["noise"])


def test_a_copy_stays_where_the_original_changes() -> None:
    source = ArraySource(data={"train": {"image": IMAGES}})
    later = Latent(fields=("clean",), shape=(2,))
    with pytest.raises(ConfigurationError, match="'clean', which a batch has already"):
        Sensor(source, batch_size=5, augment=(Copy(to=("clean",)), later))
    fields = Sensor(source, batch_size=5, augment=(Copy(to=("clean",)),)).batch(0, 1).fields
    np.testing.assert_array_equal(fields["clean"], IMAGES[5:10])
    np.testing.assert_array_equal(fields["image"], IMAGES[5:10])


def test_settings_that_say_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Latent(shape=())
    with pytest.raises(ValueError, match="needs a name"):
        Copy(fields=("image", "label"), to=("clean",))
