"""Mixup, cutmix and one_hot: by hand, and against the distributions that they promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import akid_core as akid
from akid_core import layers as L
from akid_core.data import ArraySource, Augmenter, Draws, Sensor, Shuffled
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs import TensorSpec
from akid_datasets.augmenters import mixing
from akid_datasets.augmenters.cutmix import Cutmix
from akid_datasets.augmenters.flip import Flip
from akid_datasets.augmenters.mixup import Mixup
from akid_datasets.augmenters.one_hot import OneHot
from akid_datasets.sources.digits import Digits

from .chosen import Chosen

SPEC = {"image": TensorSpec(("N", 1, 2, 2), "uint8"), "label": TensorSpec(("N",), "int64")}


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
    """Sets the numbers of the beta distribution."""

    def chosen(values: list[float]) -> None:
        monkeypatch.setattr(mixing, "beta", lambda alpha, random: np.array(values))

    return chosen


class TestOneHot:
    def test_by_hand(self) -> None:
        made = OneHot(classes=3).apply({"label": np.array([2, 0])}, Draws(0, "", 0, np.arange(2)))["label"]
        assert made.dtype == np.float32
        assert made.tolist() == [[0, 0, 1], [1, 0, 0]]

    def test_sequences_of_labels(self) -> None:
        labels = {"label": np.array([[1, 0], [1, 1]], np.uint8)}
        made = OneHot(classes=2).apply(labels, Draws(0, "", 0, np.arange(2)))["label"]
        assert made.tolist() == [[[0, 1], [1, 0]], [[0, 1], [0, 1]]]
        spec = OneHot(classes=2).outputs({"label": TensorSpec(("N", "T"), "uint8", "NT")})["label"]
        assert spec == TensorSpec(("N", "T", 2), "float32", "NTC")

    def test_probabilities_stay(self) -> None:
        given = np.array([[0.25, 0.75]])
        made = OneHot(classes=2).apply({"label": given}, Draws(0, "", 0, np.arange(1)))["label"]
        assert made.tolist() == given.tolist()
        assert made.dtype == np.float64

    @pytest.mark.parametrize("label", [-1, 3])
    def test_a_label_that_names_no_class(self, label: int) -> None:
        with pytest.raises(
            DataError, match=rf"'label' holds {label} \(row 1 of these 2\), which names none of 3 classes"
        ):
            OneHot(classes=3).apply({"label": np.array([0, label])}, Draws(0, "", 0, np.arange(2)))

    def test_labels_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match=r"probabilities of 3 classes, but 'label' is float32\[N, 2\]"):
            OneHot(classes=3).check({"label": TensorSpec(("N", 2), "float32")})
        with pytest.raises(ValueError, match="classes must be at least 1, got 0"):
            OneHot(classes=0)


class TestMixup:
    def test_by_hand(self, shares: Callable[[list[float]], None]) -> None:
        shares([0.25, 1.0, 0.5])
        fields = {"image": np.array([[100.0], [7.0], [20.0]]), "label": np.array([0, 1, 2])}
        others = {"image": np.array([[20.0], [9.0], [40.0]]), "label": np.array([2, 0, 2])}
        made = Mixup(classes=3).mix(fields, others, Chosen({1: [0.9, 0.9, 0.9]}))
        assert made["image"].tolist() == [[40.0], [7.0], [30.0]]
        assert made["label"].tolist() == [[0.25, 0, 0.75], [0, 1, 0], [0, 0, 1]]
        assert made["label"].dtype == np.float32

    def test_bytes_are_rounded_half_to_even(self, shares: Callable[[list[float]], None]) -> None:
        shares([0.5, 0.5])
        fields = {"image": np.array([[1], [255]], np.uint8)}
        others = {"image": np.array([[2], [254]], np.uint8)}
        made = Mixup(labels=()).mix(fields, others, Chosen({1: [0, 0]}))["image"]
        assert made.dtype == np.uint8
        assert made.tolist() == [[2], [254]]  # 1.5 and 254.5

    def test_some_rows_only(self, shares: Callable[[list[float]], None]) -> None:
        shares([0.0, 0.0])
        fields = {"image": np.array([[1.0], [1.0]]), "label": np.array([[0.5], [0.5]])}
        others = {"image": np.array([[2.0], [2.0]]), "label": np.array([[7.0], [7.0]])}
        made = Mixup(chance=0.6).mix(fields, others, Chosen({1: [0.59, 0.6]}))
        assert made["image"].tolist() == [[2.0], [1.0]]
        assert made["label"].tolist() == [[7.0], [0.5]]

    def test_after_cutmix(self) -> None:
        source = ArraySource(data={"train": {"image": np.ones((9, 1, 2, 2), np.uint8), "label": np.arange(9) % 3}})
        sensor = Sensor(source, batch_size=9, augment=(Cutmix(classes=3), Mixup(classes=3)))
        labels = sensor.batch(0, 0).fields["label"]
        np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
        assert (np.count_nonzero(labels, axis=1) == 3).any()
        np.testing.assert_array_equal(sensor.evaluation_batch(0).fields["label"], np.eye(3)[np.arange(9) % 3])


class TestCutmix:
    def test_by_hand(self, shares: Callable[[list[float]], None]) -> None:
        shares([0.75, 0.75])  # a rectangle of half the height and half the width
        fields = {"image": np.zeros((2, 1, 4, 4), np.uint8), "label": np.array([0, 1])}
        others = {"image": np.full((2, 1, 4, 4), 9, np.uint8), "label": np.array([1, 0])}
        random = Chosen({1: [0, 0], 32: [0.5, 0.0], 33: [0.5, 0.99]})
        made = Cutmix(classes=2).mix(fields, others, random)
        assert made["image"][0, 0].tolist() == [[0, 0, 0, 0], [0, 9, 9, 0], [0, 9, 9, 0], [0, 0, 0, 0]]
        assert made["image"][1, 0].tolist() == [[0, 0, 9, 9], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
        assert made["label"].tolist() == [[0.75, 0.25], [0.125, 0.875]]

    def test_masks_are_cut_at_the_same_place(self) -> None:
        random = np.random.default_rng(0)
        masks = random.integers(0, 9, (10, 6, 6))
        rows = {"image": np.stack([masks] * 3, axis=1).astype(np.uint8), "mask": masks, "label": np.arange(10)}
        sensor = Sensor(
            ArraySource(data={"train": rows}), batch_size=10, augment=(Cutmix(classes=10, fields=("image", "mask")),)
        )
        made = sensor.batch(0, 0).fields
        np.testing.assert_array_equal(made["image"][:, 1], made["mask"])
        assert not np.array_equal(made["mask"], masks)

    def test_sizes_that_differ(self) -> None:
        spec = {**SPEC, "mask": TensorSpec(("N", 2, 3), "uint8")}
        with pytest.raises(ValueError, match="pictures of one height and width, but 'image' is"):
            Cutmix(classes=2, fields=("image", "mask")).check(spec)


class TestShares:
    """Against the closed forms of the beta distribution with both parameters alike."""

    def drawn(self, alpha: float, count: int = 20000) -> np.ndarray:
        return mixing.beta(alpha, Draws(0, "mixup", 0, np.arange(count)))

    @pytest.mark.parametrize(
        ("alpha", "below"),
        [
            (0.5, lambda x: 2 / np.pi * np.arcsin(np.sqrt(x))),
            (1.0, lambda x: x),
            (2.0, lambda x: 3 * x**2 - 2 * x**3),
            (3.0, lambda x: 10 * x**3 - 15 * x**4 + 6 * x**5),
        ],
    )
    def test_distribution(self, alpha: float, below: Callable[[np.ndarray], np.ndarray]) -> None:
        drawn = np.sort(self.drawn(alpha))
        steps = np.arange(len(drawn) + 1) / len(drawn)
        distance = np.abs(below(drawn) - np.stack([steps[1:], steps[:-1]])).max()
        assert distance < 1.6 / np.sqrt(len(drawn))  # Kolmogorov and Smirnov: exceeded once in 80 samples

    @pytest.mark.parametrize("alpha", [0.1, 0.2, 0.4, 8.0, 50.0])
    def test_moments(self, alpha: float) -> None:
        drawn = self.drawn(alpha)
        assert drawn.mean() == pytest.approx(0.5, abs=0.01)
        assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)

    @pytest.mark.parametrize("alpha", [1e-6, 1e-3, 1e6])
    def test_extremes_stay_shares(self, alpha: float) -> None:
        drawn = self.drawn(alpha, 1000)
        assert ((drawn >= 0) & (drawn <= 1)).all()
        assert abs(drawn.mean() - 0.5) < 0.05


class TestPartners:
    @settings(deadline=None, max_examples=50)
    @given(size=st.integers(1, 300), window=st.integers(2, 70), epoch=st.integers(0, 9))
    def test_another_row_of_the_same_window(self, size: int, window: int, epoch: int) -> None:
        positions = np.arange(size)
        partners = Mixup(labels=(), window=window).partners(Draws(1, "mixup", epoch, positions), size)
        assert (partners // window == positions // window).all()
        assert (partners < size).all()
        alone = size % window == 1
        assert ((partners == positions) == (alone & (positions == size - 1))).all()

    def test_all_are_equally_likely(self) -> None:
        positions = np.arange(80000)
        partners = Mixup(labels=(), window=5).partners(Draws(1, "mixup", 0, positions), len(positions))
        counts = np.zeros((5, 5))
        np.add.at(counts, (positions % 5, partners % 5), 1)
        expected = 4000 * (1 - np.eye(5))
        assert counts == pytest.approx(expected, rel=0.08)


@settings(deadline=None, max_examples=15)
@given(batch=st.integers(1, 40), counts=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_batches_and_spans_of_any_size(batch: int, counts: list[int]) -> None:
    random = np.random.default_rng(0)
    rows = {"image": random.integers(0, 256, (70, 3, 4, 4)).astype(np.uint8), "label": random.integers(0, 5, 70)}
    augment = (Flip(), Mixup(classes=5, window=16), Cutmix(classes=5))

    def sensor(batch_size: int) -> Sensor:
        source = ArraySource(data={"train": rows})
        return Sensor(source, batch_size=batch_size, seed=2, sampler=Shuffled(), augment=augment)

    whole, some = sensor(70).batch(0, 0).fields, sensor(batch)
    step, turn, parts = 0, 0, []
    while step < some.steps_per_epoch:
        asked = min(counts[turn % len(counts)], some.steps_per_epoch - step)
        span = some.span(step, some.uniform(step, asked))
        parts.append({name: values.reshape(-1, *values.shape[2:]) for name, values in span.fields.items()})
        step, turn = step + span.steps, turn + 1
    for name, values in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), values)


def test_a_brain_learns_from_mixed_rows() -> None:
    brain = (
        akid.Brain.sequential(L.Flatten(), L.Dense(units=10, name="logits"), inputs="image", outputs="logits")
        .with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
        .with_metric(L.Accuracy(), "logits", "label")
    )
    sensors = akid.sensors(Digits(), batch_size=64, augment=(Mixup(classes=10, alpha=0.4),))
    kid = akid.Kid(
        brain=brain,
        sensors=sensors,
        optimizer=akid.Adam(learning_rate=0.02),
        practice=akid.Practice(epochs=3),
        backend="numpy",
    )
    assert kid.practice().test["accuracy"] > 0.85


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"alpha": 0}, "alpha must be above 0, got 0"),
        ({"chance": 2}, "chance must be from 0 to 1, got 2"),
        ({"window": 1}, "window must be at least 2, a row and its partner, got 1"),
    ],
)
@pytest.mark.parametrize("made", [Mixup, Cutmix])
def test_settings_that_do_not_fit(made: type[Augmenter], settings: Mapping[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**settings)  # type: ignore[arg-type]


def test_labels_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"set classes to how many there are: the labels 'label' are int64\[N\]"):
        Mixup().check(SPEC)
    with pytest.raises(ValueError, match="it mixes the labels 'class', but a batch has the fields 'image', 'label'"):
        Mixup(labels=("class",), classes=2).check(SPEC)
    with pytest.raises(ValueError, match="of type uint8 or float16 or float32 or float64, but 'label' is int64"):
        Mixup(fields=("label",), labels=()).check(SPEC)
    rows = {"image": np.ones((2, 1, 2, 2), np.uint8), "label": np.array([0, 3])}
    sensor = Sensor(ArraySource(data={"train": rows}), batch_size=2, augment=(Mixup(classes=3),))
    with pytest.raises(DataError, match="'label' holds 3") as caught:
        sensor.batch(0, 0)
    assert "while reading step 0 (epoch 0, positions 0 to 1)" in caught.value.__notes__
    with pytest.raises(ConfigurationError, match=r"'cutmix' \(sensors.augment\[0\]\) does not fit .*: set classes"):
        Sensor(ArraySource(data={"train": rows}), batch_size=2, augment=(Cutmix(),))
