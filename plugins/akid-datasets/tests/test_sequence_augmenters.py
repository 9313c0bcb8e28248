"""Masking, jitter and gaussian noise: by hand, and by the distributions that they promise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from akid_core.data import ArraySource, Augmenter, Draws, Sensor
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.gaussian_noise import GaussianNoise
from akid_datasets.augmenters.jitter import Jitter
from akid_datasets.augmenters.masking import Masking

from .chosen import Chosen

TEXT = np.array([[11, 12, 13, 14], [21, 22, 23, 24]])


class TestMasking:
    def test_by_hand(self) -> None:
        random = Chosen({0: [[0.1, 0.9, 0.3, 0.2], [0.5, 0.4, 0.31, 0.6]]})
        made = Masking(chance=0.3, value=-1).apply({"text": TEXT}, random)
        assert made["text"].tolist() == [[-1, 12, 13, -1], [21, 22, 23, 24]]
        made = Masking(count=2, mask="hidden").apply({"text": TEXT}, random)
        assert made["text"].tolist() == [[0, 12, 13, 0], [21, 0, 0, 24]]
        assert made["hidden"].tolist() == [[True, False, False, True], [False, True, True, False]]

    def test_fields_are_masked_at_the_same_places(self) -> None:
        series = np.random.default_rng(0).normal(1, 0.1, (50, 20, 3))
        text = np.ones((50, 20), np.uint8)
        fields = {"text": text, "series": series}
        made = Masking(chance=0.5, fields=("text", "series")).apply(fields, Draws(0, "m", 0, np.arange(50)))
        np.testing.assert_array_equal(made["text"] == 0, (made["series"] == 0).all(axis=2))
        assert (made["text"] == 0).mean() == pytest.approx(0.5, abs=0.05)

    def test_exactly_so_many_places_all_alike(self) -> None:
        fields = {"text": np.ones((3000, 10), np.int64)}
        made = Masking(count=3, mask="hidden").apply(fields, Draws(0, "m", 0, np.arange(3000)))["hidden"]
        assert (made.sum(axis=1) == 3).all()
        assert made.sum(axis=0) == pytest.approx(np.full(10, 900), rel=0.1)
        assert Masking(count=20, mask="hidden").apply(fields, Draws(0, "m", 0, np.arange(3000)))["hidden"].all()

    def test_in_a_sensor(self) -> None:
        source = ArraySource(data={"train": {"text": TEXT}})
        sensor = Sensor(source, batch_size=2, augment=(Masking(count=1, mask="hidden"),))
        assert sensor.spec["hidden"] == TensorSpec(("N", 4), "bool")
        assert sensor.batch(0, 0).fields["hidden"].sum() == 2
        evaluated = sensor.evaluation_batch(0).fields
        np.testing.assert_array_equal(evaluated["text"], TEXT)
        assert not evaluated["hidden"].any()
        masking = (Masking(count=1, mask="hidden"),)
        same = [
            Sensor(source, batch_size=2, augment=masking, eval_augment=masking).evaluation_batch(0) for _ in range(2)
        ]
        np.testing.assert_array_equal(same[0].fields["text"], same[1].fields["text"])
        assert same[0].fields["hidden"].sum() == 2

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({}, "either a chance or a count of places, got None and None"),
            ({"chance": 0.1, "count": 2}, "either a chance or a count"),
            ({"chance": 1.1}, "chance must be from 0 to 1, got 1.1"),
            ({"count": -1}, "count must be at least 0, got -1"),
        ],
    )
    def test_settings_that_do_not_fit(self, wrong: Mapping[str, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Masking(**wrong)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("spec", "wrong", "message"),
        [
            (TensorSpec(("N",), "int64"), {}, r"sequences \(batch, time, …\) of one length, but 'text' is int64\[N\]"),
            (
                TensorSpec(("N", 9), "uint8"),
                {"value": -1},
                r"the value -1 cannot be written into 'text', which is uint8",
            ),
            (TensorSpec(("N", 9), "int64"), {"value": 0.5}, "the value 0.5 cannot be written"),
            (TensorSpec(("N", 9), "bool"), {"value": 2}, "the value 2 cannot be written"),
            (TensorSpec(("N", 9), "int64"), {"mask": "text"}, "the mask would replace the field 'text'"),
        ],
    )
    def test_fields_that_do_not_fit(self, spec: TensorSpec, wrong: Mapping[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Masking(count=1, **wrong).check({"text": spec})  # type: ignore[arg-type]


class TestJitter:
    def test_noise_is_of_each_value_and_gain_of_each_row_and_channel(self) -> None:
        ones = {"series": np.ones((2000, 30, 2))}
        draws = Draws(0, "jitter", 0, np.arange(2000))
        gains = Jitter(noise=0, scale=0.2).apply(ones, draws)["series"]
        assert (gains == gains[:, :1]).all()
        assert gains[:, 0].mean() == pytest.approx(1, abs=0.02)
        assert gains[:, 0].std() == pytest.approx(0.2, rel=0.05)
        assert np.corrcoef(gains[:, 0].T)[0, 1] == pytest.approx(0, abs=0.1)
        noise = Jitter(noise=0.5, scale=0).apply(ones, draws)["series"] - 1
        assert noise.std() == pytest.approx(0.5, rel=0.02)
        assert noise.mean() == pytest.approx(0, abs=0.01)
        assert np.corrcoef(noise[:, 0, 0], noise[:, 1, 0])[0, 1] == pytest.approx(0, abs=0.06)
        both = Jitter(noise=0.5, scale=0.2).apply(ones, draws)["series"]
        np.testing.assert_allclose(both, gains + noise)

    def test_what_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match="noise and scale must be at least 0, got -1 and 0.1"):
            Jitter(noise=-1)
        with pytest.raises(ValueError, match="it changes floating numbers, but 'series' is int64"):
            Jitter().check({"series": TensorSpec(("N", 9), "int64")})
        with pytest.raises(ValueError, match=r"series \(batch, time, …\), but 'series' is float32\[N\]"):
            Jitter().check({"series": TensorSpec(("N",), "float32")})


class TestGaussianNoise:
    @pytest.mark.parametrize(("dtype", "middle", "deviation"), [(np.uint8, 128, 0.1 * 255), (np.float32, 0.5, 0.1)])
    def test_distribution(self, dtype: type, middle: float, deviation: float) -> None:
        values = np.full((100, 3, 10, 10), middle, dtype)
        made = GaussianNoise(deviation=0.1).apply({"image": values}, Draws(0, "n", 0, np.arange(100)))["image"]
        assert made.dtype == dtype
        away = made.astype(np.float64) - middle
        assert away.mean() == pytest.approx(0, abs=0.03 * deviation)
        assert away.std() == pytest.approx(deviation, rel=0.02)
        assert (np.abs(away) < deviation).mean() == pytest.approx(0.683, abs=0.03)

    def test_bytes_are_kept_in_range(self) -> None:
        values = np.array([[0, 255]] * 500, np.uint8)
        made = GaussianNoise(deviation=0.2).apply({"image": values}, Draws(0, "n", 0, np.arange(500)))["image"]
        assert (made[:, 0] == 0).mean() == pytest.approx(0.5, abs=0.06)
        assert (made[:, 1] == 255).mean() == pytest.approx(0.5, abs=0.06)

    def test_fields_have_noise_of_their_own(self) -> None:
        fields = {"a": np.zeros((5, 4)), "b": np.zeros((5, 4))}
        made = GaussianNoise(fields=("a", "b")).apply(fields, Draws(0, "n", 0, np.arange(5)))
        assert not np.isclose(made["a"], made["b"]).any()

    @pytest.mark.parametrize(("made", "wrong"), [(GaussianNoise, {"deviation": -0.1})])
    def test_what_does_not_fit(self, made: type[Augmenter], wrong: Mapping[str, float]) -> None:
        with pytest.raises(ValueError, match=r"deviation must be at least 0, got -0.1"):
            made(**wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="of type uint8 or float16"):
            made().check({"image": TensorSpec(("N", 3), "int64")})
