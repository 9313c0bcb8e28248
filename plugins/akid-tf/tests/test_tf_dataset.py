"""TfDataset: any tf.data.Dataset as a source, in order, resumed exactly, and told where that cannot be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest

from akid_core.config import decode, encode
from akid_core.data import Sequential, Shuffled, Source, sensors
from akid_core.errors import AkidWarning, ConfigurationError, DataError
from akid_core.plugins import default_manager
from akid_core.testing.sources import SourceSuite
from akid_tf.runtime import tf
from akid_tf.sources.dataset import TfDataset

ROWS = 150


def numbers(rows: int = ROWS) -> Any:
    """What a YAML file names: rows of a picture with its channels last, and a label."""
    pictures = np.arange(rows * 12, dtype=np.float32).reshape(rows, 2, 2, 3)
    return tf.data.Dataset.from_tensor_slices((pictures, np.arange(rows, dtype=np.uint8)))


class TestSlices(SourceSuite):
    splits = ("train", "val")
    sendable = False

    def source(self) -> Source:
        return TfDataset(target=numbers(), val=numbers(9), channels_last=("image",))


class TestBatches(SourceSuite):
    sendable = False

    def source(self) -> Source:
        return TfDataset(target=numbers().batch(7), batched=True, length={"train": ROWS})


def test_fields_and_values() -> None:
    rows = {"x": np.arange(5, dtype=np.float64), "deep": {"y": np.arange(5, dtype=np.int16), "z": ([[1]] * 5,)}}
    source = TfDataset(target=tf.data.Dataset.from_tensor_slices(rows))
    assert {name: (spec.dtype, spec.row) for name, spec in source.spec.items()} == {
        "deep/y": ("int64", ()),
        "deep/z/0": ("int32", (1,)),
        "x": ("float64", ()),
    }
    assert source.rows(np.array([3, 3, 0]))["deep/y"].tolist() == [3, 3, 0]
    pictures = TfDataset(target=numbers(), channels_last=("image",)).rows(np.array([1]))
    assert pictures["image"][0, 2].tolist() == [[14, 17], [20, 23]]


def test_it_is_read_in_its_own_order() -> None:
    source = TfDataset(target=numbers())
    assert (source.sequential, source.order()) == (True, Sequential())
    sensor = sensors(source, batch_size=40).sensor("train", 0, None)
    assert sensor is not None
    labels = [sensor.batch(1, index).fields["label"] for index in range(sensor.steps_per_epoch)]
    assert np.concatenate(labels).tolist() == list(range(ROWS))
    with pytest.raises(ConfigurationError, match="can only be read in its own order"):
        sensors(source, batch_size=40, sampler=Shuffled()).sensor("train", 0, None)


def test_resuming_in_the_middle_gives_the_same_rows() -> None:
    def batch(index: int) -> list[float]:
        sensor = sensors(TfDataset(target=numbers()), batch_size=16).sensor("train", 0, None)
        assert sensor is not None
        found: list[float] = sensor.batch(0, index).fields["image"][:, 0, 0, 0].tolist()
        return found

    assert batch(6) == [12 * row for row in range(96, 112)]
    assert batch(9) == [12 * row for row in range(144, 150)]


def test_lengths() -> None:
    def even() -> Any:
        return numbers().filter(lambda image, label: label % 2 == 0)

    assert len(TfDataset(target=numbers())) == ROWS
    assert len(TfDataset(target=even(), length={"train": 75})) == 75
    for endless_or_unknown in (even(), numbers().repeat()):
        with pytest.raises(ConfigurationError, match=r"does not know how many rows .*length=\{'train'"):
            len(TfDataset(target=endless_or_unknown))
    too_long = TfDataset(target=even(), length={"train": 76})
    assert too_long.rows(np.array([74]))["label"].tolist() == [148]
    with pytest.raises(DataError, match="Row 75 was asked for, and the data end before it"):
        too_long.rows(np.array([75]))
    assert len(TfDataset(target=numbers().repeat(), length={"train": 1000})) == 1000


@pytest.mark.filterwarnings("error")
def test_chance_is_said() -> None:
    with pytest.raises(AkidWarning, match="'tf_dataset' wraps gives other rows when it is read again"):
        _ = TfDataset(target=numbers().shuffle(ROWS)).spec
    # A counter: tf.random gives the same whenever a map is begun anew, once anything has set TensorFlow's global seed.
    calls = count()
    called = numbers().map(lambda _, label: (tf.numpy_function(lambda: np.int64(next(calls)), [], tf.int64), label))
    with pytest.raises(AkidWarning, match=r"\('image' differs\)"):
        _ = TfDataset(target=called).spec
    _ = TfDataset(target=numbers().shuffle(ROWS, seed=1, reshuffle_each_iteration=False)).spec


def test_errors_name_the_row() -> None:
    ragged = tf.data.Dataset.from_generator(lambda: iter([[1], [1], [1, 2]]), output_signature=tf.TensorSpec([None]))
    with pytest.raises(DataError, match="TensorFlow cannot give rows 0 to 2 at once: Cannot batch tensors"):
        _ = TfDataset(target=ragged, length={"train": 3}, fields=("x",)).spec
    rotten = numbers().map(lambda image, label: (tf.debugging.check_numerics(image / (97.0 - image), "rotten"), label))
    with pytest.raises(DataError, match="TensorFlow cannot give row 8: .*rotten"):  # 97 is in the row of 96 to 107
        TfDataset(target=rotten).rows(np.arange(20))
    texts = tf.data.Dataset.from_tensor_slices(["a", "b"])
    with pytest.raises(DataError, match="The field 'x' of row 0 .*only numbers are fields"):
        _ = TfDataset(target=texts, fields=("x",)).spec
    three = tf.data.Dataset.from_tensors((1, 2, 3))
    with pytest.raises(DataError, match="has 3 values, but there are names for 'x', 'sample_weight' only"):
        _ = TfDataset(target=three, fields=("x",)).spec
    with pytest.raises(ConfigurationError, match=r"wraps a tf.data.Dataset, and was given a list"):
        len(TfDataset(target=[1, 2]))


def test_yaml() -> None:
    registry = default_manager().registry
    described = {"tf_dataset": {"target": f"{__name__}:numbers", "arguments": {"rows": 5}, "test": {"rows": 3}}}
    source = decode("source", described, registry)
    assert encode(source, registry) == described
    assert [len(decode("source", source, registry))] == [5]


@pytest.fixture(autouse=True)
def _nothing_else_is_said() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", AkidWarning)
        yield
