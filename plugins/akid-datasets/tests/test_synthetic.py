"""Synthetic: rows from nothing, which depend on their number alone and can be learnt."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.data import Source
from akid_core.testing.sources import SourceSuite
from akid_datasets.sources.synthetic import Synthetic


class TestSynthetic(SourceSuite):
    splits = ("train", "val", "test")

    def source(self) -> Source:
        return Synthetic(train=100, val=20, test=20, shape=(2, 3))


def test_a_billion_rows_take_no_memory() -> None:
    source = Synthetic(train=10**9, shape=(5,))
    assert len(source) == 10**9
    tracemalloc.start()
    rows = source.rows(np.array([10**9 - 1, 0]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert not np.array_equal(rows["image"][0], rows["image"][1])


@pytest.mark.parametrize(
    ("dtype", "values", "least", "most", "mean"),
    [
        ("bool", None, 0, 1, 0.5),
        ("uint8", None, 0, 255, 127.5),
        ("uint8", 3, 0, 2, 1),
        ("int64", 1000, 0, 999, 499.5),
        ("float16", None, 0, 1, 0.5),
        ("float64", None, 0, 1, 0.5),
    ],
)
def test_values_are_uniform(dtype: str, values: int | None, least: float, most: float, mean: float) -> None:
    source = Synthetic(shape=(100,), dtype=dtype, values=values, classes=500)
    found = source.rows(np.arange(500))["image"]
    assert found.dtype == dtype
    assert found.min() >= least
    assert found.max() <= most
    assert found.max() < 1 or "float" not in dtype
    # 50,000 numbers: the mean of uniform ones is within four standard errors
    assert abs(found.astype(float).mean() - mean) < 4 * (most - least + 1) / 12**0.5 / 50_000**0.5


def test_classes_are_as_likely_and_splits_differ() -> None:
    labels = Synthetic(train=5000, classes=5, shape=(1,)).rows(np.arange(5000))["label"]
    assert (np.abs(np.bincount(labels, minlength=5) - 1000) < 4 * 28.3).all()  # the deviation: sqrt(5000 * 0.2 * 0.8)
    first = {split: Synthetic(split=split).rows(np.arange(3))["image"].tobytes() for split in ("train", "val", "test")}
    assert len(set(first.values())) == 3
    assert Synthetic(seed=1).rows(np.arange(3))["image"].tobytes() not in first.values()


def test_fingerprints_tell_data_apart() -> None:
    sources = [Synthetic(), Synthetic(seed=1), Synthetic(classes=9), Synthetic(train=9), Synthetic(split="val")]
    assert len({source.fingerprint() for source in sources}) == 5
    assert Synthetic().fingerprint() == Synthetic(val=7).fingerprint()


def test_labels_can_be_learnt() -> None:
    source = Synthetic(train=1000, val=500, test=0, shape=(20,), dtype="int64", values=8, classes=4)
    brain = akid.Brain.sequential(
        L.Embedding(entries=8, units=4), L.Flatten(), L.Dense(units=4, name="logits"), inputs="image", outputs="logits"
    )
    brain = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label").with_metric(L.Accuracy(), "logits", "label")
    kid = akid.Kid(
        brain=brain,
        sensors=akid.sensors(source, batch_size=50),
        optimizer=akid.Adam(learning_rate=0.02),
        practice=akid.Practice(epochs=5),
        backend="numpy",
    )
    assert kid.practice().val["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dtype": "text"}, "dtype must be one of"),
        ({"train": -1}, "train must be at least 0"),
        ({"shape": (3, 0)}, "shape must have sizes of at least 1"),
        ({"classes": 0}, "classes must be at least 1"),
        ({"values": 300}, "values must be 1 to 256 with dtype uint8, got 300"),
        ({"values": 3, "dtype": "float32"}, "values must be left out with dtype float32, got 3"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Synthetic(**settings)
