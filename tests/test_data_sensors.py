"""Sensors: from a source or arrays to a Sensor for each split."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from akid_core.config import dump_yaml, load_yaml
from akid_core.data import ArraySource, Augmenter, Draws, Sensors, Sequential, Shuffled, Source, sensors
from akid_core.data.arrays import read_arrays
from akid_core.errors import ConfigurationError, DataError, UsageError
from akid_core.plugin_api import AugmenterInfo, SourceInfo, hookimpl
from akid_core.plugins import PluginManager, Registry
from akid_core.specs import TensorSpec
from akid_core.testing.sources import SourceSuite

IMAGES = np.arange(10 * 4, dtype=np.float64).reshape(10, 1, 2, 2)
LABELS = np.arange(10, dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class Three(Source):
    """Three rows to train on, one to validate."""

    rows_to_train: int = 3

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec(("N",), "int64")}

    def __len__(self) -> int:
        return {"train": self.rows_to_train, "val": 1, "test": 0}[self.split]

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": indices + (100 if self.split == "val" else 0)}


@dataclass(frozen=True, kw_only=True)
class Negate(Augmenter):
    fields: tuple[str, ...] = ("x",)

    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        return {name: -fields[name] for name in self.fields}


@hookimpl
def akid_sources() -> Iterable[SourceInfo]:
    yield SourceInfo(name="three", target=f"{__name__}:Three")


@hookimpl
def akid_augmenters() -> Iterable[AugmenterInfo]:
    yield AugmenterInfo(name="negate", target=f"{__name__}:Negate")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return PluginManager(discover=False, plugins=[sys.modules[__name__]]).registry


class TestArrays(SourceSuite):
    splits = ("train", "val")

    def source(self) -> Source:
        return ArraySource(data={"train": {"x": IMAGES, "y": LABELS}, "val": {"x": IMAGES[:2], "y": LABELS[:2]}})


def test_a_named_source_gives_a_sensor_for_each_split(registry: Registry) -> None:
    three = sensors("three", batch_size=2, augment=(Negate(),))
    train, val, test = (three.sensor(split, 7, registry) for split in ("train", "val", "test"))
    assert train is not None
    assert val is not None
    assert test is None
    assert (train.batch_size, train.steps_per_epoch, train.seed, train.sampler) == (2, 2, 7, Shuffled())
    assert sorted(train.batch(0, 0).fields["x"].tolist() + train.batch(0, 1).fields["x"].tolist()) == [-2, -1, 0]
    assert (val.sampler, val.training.stages) == (Sequential(), ())
    assert [batch.fields["x"].tolist() for batch in val.batches()] == [[100]]


def test_a_source_with_settings(registry: Registry) -> None:
    train = Sensors(source=Three(rows_to_train=5), drop_last=True, batch_size=2).sensor("train", 0, registry)
    assert train is not None
    assert train.steps_per_epoch == 2


def test_the_batch_size_of_evaluation(registry: Registry) -> None:
    def size(**settings: Any) -> int:
        val = sensors("three", **settings).sensor("val", 0, registry)
        assert val is not None
        return val.batch_size

    assert size() == 256
    assert size(batch_size=1000) == 1000
    assert size(batch_size=1000, eval_batch_size=50) == 50


def test_arrays_keep_their_types_and_labels_become_int64(registry: Registry) -> None:
    given = sensors(train=(IMAGES, LABELS), val=(IMAGES[:3], [1, 2, 3]), batch_size=10, sampler=Sequential())
    train, val = given.sensor("train", 0, registry), given.sensor("val", 0, registry)
    assert train is not None
    assert val is not None
    assert train.spec == {"image": TensorSpec(("N", 1, 2, 2), "float64"), "label": TensorSpec(("N",), "int64")}
    assert np.array_equal(train.batch(0, 0).fields["image"], IMAGES)
    assert train.batch(0, 0).fields["label"].tolist() == list(range(10))
    assert next(val.batches()).fields["label"].tolist() == [1, 2, 3]
    assert given.sensor("test", 0, registry) is None


def test_forms_of_arrays() -> None:
    assert list(read_arrays(IMAGES, "train")) == ["image"]
    assert list(read_arrays({"a": IMAGES, "b": LABELS}, "train")) == ["a", "b"]
    assert list(read_arrays((IMAGES, LABELS, np.ones(10)), "train")) == ["image", "label", "sample_weight"]
    assert list(read_arrays((IMAGES, LABELS), "train", fields=("x", "y"))) == ["x", "y"]
    pixels = np.zeros((2, 3, 3), np.uint8)
    assert read_arrays(pixels, "train")["image"].dtype == np.uint8
    assert read_arrays(np.arange(3.0).astype(">f4"), "train")["image"].dtype == np.dtype("float32")
    assert read_arrays({"flag": np.array([True, False])}, "train")["flag"].dtype == bool
    assert read_arrays({"label": np.array([2**63 - 1], np.uint64)}, "train")["label"].tolist() == [2**63 - 1]
    with pytest.raises(DataError, match="The field 'label' of 'train' holds the number 9223372036854775813, but whole"):
        read_arrays({"label": np.array([3, 2**63 + 5], np.uint64)}, "train")


@pytest.mark.parametrize("weight", [-0.5, np.nan, np.inf])
def test_a_row_counts_nothing_or_more(weight: float, registry: Registry) -> None:
    weights = np.array([1.0] * 9 + [weight])
    sensor = sensors(train=(IMAGES, LABELS, weights), batch_size=5, sampler=Sequential()).sensor("train", 0, registry)
    assert sensor is not None
    assert sensor.batch(0, 0).weights.tolist() == [1.0] * 5
    with pytest.raises(DataError, match=f"gave row 9 the sample weight {weight}; a row counts 0 or more"):
        sensor.batch(0, 1)


def test_weights_may_be_given_to_one_split_alone(registry: Registry) -> None:
    given = sensors(train=(IMAGES, LABELS, np.arange(10)), val=(IMAGES, LABELS), batch_size=5, sampler=Sequential())
    train, val = given.sensor("train", 0, registry), given.sensor("val", 0, registry)
    assert train is not None
    assert val is not None
    assert train.batch(0, 1).weights.tolist() == [5, 6, 7, 8, 9]
    assert next(val.batches()).weights.tolist() == [1.0] * 10
    assert list(train.spec) == list(val.spec) == ["image", "label"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((IMAGES, LABELS[:9]), "'image' has 10, 'label' has 9"),
        ((IMAGES[:0], LABELS[:0]), "The arrays given for 'train' have no rows"),
        ({}, "The arrays given for 'train' have no rows"),
        ((IMAGES, LABELS, LABELS, LABELS), "has 4 arrays, but there are names for 'image', 'label', 'sample_weight'"),
        ({"x": ["a", "b"]}, "The field 'x' of 'train' has the shape (2,) and the type <U1"),
        ({"x": 3.0}, "The field 'x' of 'train' has the shape () and the type float64"),
        ({"x": [[1, 2], [3]]}, "The field 'x' of 'train' is not one array"),
        ({"x": LABELS, "sample_weight": np.ones((10, 2))}, "give one weight for each row"),
    ],
)
def test_arrays_that_do_not_fit(data: Any, message: str) -> None:
    with pytest.raises(DataError) as raised:
        sensors(train=data)
    assert message in str(raised.value)


def test_splits_that_do_not_fit_each_other() -> None:
    with pytest.raises(
        DataError, match=r"'image' is float64\[N, 1, 2, 2\] in 'train', but float32\[N, 1, 2, 2\] in 'val'"
    ):
        sensors(train=(IMAGES, LABELS), val=(IMAGES.astype(np.float32), LABELS))
    with pytest.raises(DataError, match=r"'label' is int64\[N\] in 'train', but missing in 'test'"):
        sensors(train=(IMAGES, LABELS), test=IMAGES)


def test_settings_that_do_not_fit(registry: Registry) -> None:
    with pytest.raises(
        ConfigurationError, match=r"batch_size of 4 is larger than an epoch over the source 'three', which has 3 rows"
    ):
        sensors("three", batch_size=4).sensor("train", 0, registry)
    with pytest.raises(DataError, match="The source 'three' has no rows to train on"):
        Sensors(source=Three(rows_to_train=0)).sensor("train", 0, registry)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        sensors("three", batch_size=0)
    with pytest.raises(ValueError, match="eval_batch_size must be at least 1, got -1"):
        sensors("three", eval_batch_size=-1)
    with pytest.raises(ValueError, match="leave out the source's split"):
        Sensors(source=Three(split="val"))
    for wrong in ({}, {"source": "three", "train": IMAGES}, {"val": IMAGES}):
        with pytest.raises(UsageError, match="takes a source"):
            sensors(**wrong)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (sensors("three"), {"source": "three"}),
        (sensors("three", batch_size=3, drop_last=True), {"source": "three", "batch_size": 3, "drop_last": True}),
        (Sensors(source=Three(rows_to_train=5)), {"source": {"three": {"rows_to_train": 5}}}),
        (
            sensors("three", augment=[Negate(), Negate(name="back")], sampler=Sequential(), eval_batch_size=9),
            {
                "source": "three",
                "augment": ["negate", {"negate": {"name": "back"}}],
                "sampler": "sequential",
                "eval_batch_size": 9,
            },
        ),
    ],
)
def test_yaml_and_python_are_the_same(given: Sensors, written: dict[str, Any], registry: Registry) -> None:
    assert given.to_config(registry) == written
    assert Sensors.from_config(load_yaml(dump_yaml(written)), registry, "sensors") == given


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source: tree", "sensors.source: .*'tree'.*Did you mean 'three'"),
        ("{source: three, batchsize: 4}", "unknown key 'batchsize'.*Did you mean 'batch_size'"),
        ("{source: three, batch_size: many}", "sensors.batch_size: expected an integer, got 'many'"),
        ("{source: three, batch_size: 0}", "sensors: batch_size must be at least 1, got 0"),
        ("{source: three, augment: [{negate: {field: x}}]}", "unknown key 'field'.*Did you mean 'fields'"),
        ("{source: {three: {rows_to_train: x}}}", "rows_to_train: expected an integer"),
        ("batch_size: 4", "needs 'source'"),
    ],
)
def test_yaml_that_does_not_fit(text: str, message: str, registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Sensors.from_config(load_yaml(text), registry, "sensors")


def test_arrays_cannot_be_written() -> None:
    with pytest.raises(ConfigurationError, match="arrays that were given in Python cannot be written"):
        sensors(train=(IMAGES, LABELS)).to_config()
