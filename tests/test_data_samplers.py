"""Samplers beyond shuffling, by themselves and in a Sensor."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.config import decode, load_yaml
from akid_core.data import (
    ArraySource,
    Repeated,
    Sampler,
    Sensor,
    Sequential,
    Shuffled,
    Source,
    Stratified,
    Streams,
    Weighted,
    Windowed,
)
from akid_core.errors import ConfigurationError, DataError
from akid_core.plugins import default_manager
from akid_core.specs import TensorSpec
from akid_core.testing.samplers import SamplerSuite

seeds = st.integers(0, 2**63 - 1)
epochs = st.integers(0, 10**6)
classes = st.lists(st.integers(-2, 5), min_size=1, max_size=200)


def arrays(**fields: Any) -> Source:
    return ArraySource(data={"train": {name: np.asarray(values) for name, values in fields.items()}})


def epoch_of(sampler: Sampler, size: int, seed: int = 0, epoch: int = 0) -> np.ndarray:
    return sampler.rows(np.arange(sampler.length(size)), size=size, seed=seed, epoch=epoch)


class TestStratified(SamplerSuite):
    def sampler(self) -> Sampler:
        return Stratified()


class TestWeighted(SamplerSuite):
    once = False

    def sampler(self) -> Sampler:
        return Weighted(field="weight", draws=300)


class TestBalanced(SamplerSuite):
    once = False

    def sampler(self) -> Sampler:
        return Weighted(balance="label")


class TestWithReplacement(SamplerSuite):
    once = False

    def sampler(self) -> Sampler:
        return Weighted()


class TestStreams(SamplerSuite):
    random, sizes = False, (5, 10, 1000)

    def sampler(self) -> Sampler:
        return Streams(count=5)


class TestStreamsThatLeaveRowsOut(SamplerSuite):
    random, once = False, False
    sizes = (7, 8, 1000)

    def sampler(self) -> Sampler:
        return Streams(count=7)


class TestRepeated(SamplerSuite):
    once = False

    def sampler(self) -> Sampler:
        return Repeated(times=3, sampler=Stratified(label="label"))


class TestRepeatedOnce(SamplerSuite):
    def sampler(self) -> Sampler:
        return Repeated(times=1)


# -- stratified


@settings(deadline=None, max_examples=50)
@given(labels=classes, seed=seeds, epoch=epochs)
def test_stretches_hold_the_classes_in_proportion(labels: list[int], seed: int, epoch: int) -> None:
    size = len(labels)
    rows = epoch_of(Stratified().bound(arrays(label=labels)), size, seed, epoch)
    assert np.array_equal(np.sort(rows), np.arange(size))
    for label in set(labels):
        of_class = np.array(labels) == label
        ahead = np.cumsum(of_class[rows]) - np.arange(1, size + 1) * of_class.mean()
        # the difference between two places is what a stretch is off by
        assert max(ahead.max(), 0) - min(ahead.min(), 0) < 4


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 12), each=st.integers(1, 30), batch=st.integers(1, 5), seed=seeds, epoch=epochs)
def test_classes_of_equal_size_are_equally_many(count: int, each: int, batch: int, seed: int, epoch: int) -> None:
    labels = np.tile(np.arange(count), each)
    rows = epoch_of(Stratified().bound(arrays(label=labels)), len(labels), seed, epoch)
    for start in range(0, len(rows) - batch * count + 1, batch * count):
        found = labels[rows[start : start + batch * count]]
        assert np.bincount(found, minlength=count).tolist() == [batch] * count


def test_rare_classes_come_apart_and_elsewhere_each_epoch() -> None:
    labels = np.zeros(1000, np.int64)
    labels[:10] = 1
    sampler = Stratified().bound(arrays(label=labels))
    places = [np.flatnonzero(labels[epoch_of(sampler, 1000, epoch=epoch)]) for epoch in range(20)]
    for found in places:
        assert set(np.diff(found)) == {100}
    assert len({int(found[0]) for found in places}) > 10
    first = {tuple(epoch_of(sampler, 1000, epoch=epoch)[found].tolist()) for epoch, found in enumerate(places)}
    assert len(first) == 20  # the ten rows in twenty orders


def test_classes_need_not_be_counted_from_0() -> None:
    for labels in (np.array([7, -1, 7, 200]), np.array([True, False, True, True]), np.array([3, 3, 3, 3], np.uint8)):
        sampler = Stratified().bound(arrays(label=labels))
        assert sorted(epoch_of(sampler, 4).tolist()) == [0, 1, 2, 3]


# -- weighted


def test_rows_are_drawn_in_proportion() -> None:
    weights = np.array([0.0, 1.0, 0.0, 2.0, 5.0, 0.0])
    sampler = Weighted(field="weight", draws=8000).bound(arrays(weight=weights))
    counts = np.bincount(epoch_of(sampler, 6), minlength=6)
    assert counts[weights == 0].tolist() == [0, 0, 0]
    # chi-square with 2 degrees of freedom is below 13.8 in 99.9 % of cases
    assert sum((counts[row] - 1000 * weights[row]) ** 2 / (1000 * weights[row]) for row in (1, 3, 4)) < 13.8


def test_classes_are_balanced() -> None:
    labels = np.array([5] * 90 + [-1] * 9 + [0])
    counts = np.bincount(epoch_of(Weighted(balance="label", draws=9000).bound(arrays(label=labels)), 100))
    by_class = np.array([counts[labels == label].sum() for label in (5, -1, 0)])
    assert ((by_class - 3000) ** 2 / 3000).sum() < 13.8
    within = counts[labels == 5]  # 89 degrees of freedom
    assert ((within - within.mean()) ** 2 / within.mean()).sum() < 135.8


def test_balance_and_weights_together() -> None:
    source = arrays(label=[0, 0, 0, 1, 2], weight=[1.0, 3.0, 0.0, 7.0, 0.0])
    counts = np.bincount(epoch_of(Weighted(field="weight", balance="label", draws=8000).bound(source), 5), minlength=5)
    expected = np.array([1000, 3000, 4000])  # of class 0 a quarter and three, of class 1 its only row, of class 2 none
    assert counts[[2, 4]].tolist() == [0, 0]
    assert ((counts[[0, 1, 3]] - expected) ** 2 / expected).sum() < 13.8


def test_without_a_field_rows_are_equally_likely() -> None:
    counts = np.bincount(epoch_of(Weighted(draws=10_000), 10), minlength=10)
    assert ((counts - 1000) ** 2 / 1000).sum() < 27.9  # 9 degrees of freedom


@settings(deadline=None, max_examples=50)
@given(weights=st.lists(st.sampled_from([0, 1e-300, 0.3, 1, 1e300]), min_size=1, max_size=50).filter(any), seed=seeds)
def test_a_row_of_weight_0_is_never_drawn(weights: list[float], seed: int) -> None:
    rows = epoch_of(Weighted(field="weight", draws=200).bound(arrays(weight=np.array(weights, float))), 50, seed)
    assert all(weights[row] > 0 for row in rows)


# -- streams and repeated


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 500), count=st.integers(1, 50), data=st.data())
def test_streams_run_side_by_side(size: int, count: int, data: st.DataObject) -> None:
    count = min(count, size)
    sampler, length = Streams(count=count), size // count
    assert sampler.length(size) == length * count
    rows = epoch_of(sampler, size).reshape(length, count)
    assert rows[0].tolist() == [length * stream for stream in range(count)]
    assert (np.diff(rows, axis=0) == 1).all()


def test_streams_in_batches() -> None:
    sensor = Sensor(arrays(x=np.arange(11)), batch_size=3, sampler=Streams(count=3))
    batches = [sensor.batch(0, index).rows.tolist() for index in range(sensor.steps_per_epoch)]
    assert batches == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 50), times=st.integers(1, 5), seed=seeds, epoch=epochs)
def test_repeated_is_the_same_rows_with_fewer_ends(size: int, times: int, seed: int, epoch: int) -> None:
    for inner in (Shuffled(), Streams(count=2 if size > 1 else 1), Weighted(draws=7)):
        own = [epoch_of(inner, size, seed, epoch * times + number) for number in range(times)]
        found = epoch_of(Repeated(times=times, sampler=inner), size, seed, epoch)
        assert np.array_equal(found, np.concatenate(own))


def test_repeated_in_batches_over_the_end() -> None:
    source = arrays(x=np.arange(3))
    sensor = Sensor(source, batch_size=4, sampler=Repeated(times=3, sampler=Sequential()))
    assert [sensor.batch(1, index).rows.tolist() for index in range(3)] == [[0, 1, 2, 0], [1, 2, 0, 1], [2]]
    assert Sensor(source, batch_size=4, sampler=Repeated(times=3), drop_last=True).steps_per_epoch == 2


# -- in a Sensor


ALL = [
    Shuffled(),
    Sequential(),
    Windowed(block=5, blocks=3),
    Stratified(),
    Weighted(field="weight"),
    Weighted(balance="label", draws=29),
    Weighted(draws=100),
    Streams(count=4),
    Repeated(times=2, sampler=Stratified()),
]


@settings(deadline=None, max_examples=10)
@given(size=st.integers(4, 60), batch=st.integers(1, 20), seed=st.integers(0, 99), drop_last=st.booleans())
@pytest.mark.parametrize("sampler", ALL, ids=repr)
def test_a_sensor_goes_on_anywhere(sampler: Sampler, size: int, batch: int, seed: int, drop_last: bool) -> None:
    rows = np.arange(size)
    source = arrays(x=rows, label=rows % 3, weight=rows % 2 + 1)
    length = sampler.bound(source).length(size)
    batch = sampler.count if isinstance(sampler, Streams) else min(batch, length)

    def made() -> Sensor:
        return Sensor(source, batch_size=batch, seed=seed, sampler=sampler, drop_last=drop_last)

    sensor = made()
    steps = range(2 * sensor.steps_per_epoch + 1)
    found = [sensor.batch(*divmod(step, sensor.steps_per_epoch)).rows for step in steps]
    whole = [epoch_of(sampler.bound(source), size, seed, epoch) for epoch in range(3)]
    for step, rows in enumerate(found):
        epoch, index = divmod(step, sensor.steps_per_epoch)
        assert np.array_equal(rows, whole[epoch][index * batch : (index + 1) * batch])
        assert len(rows) == batch or (index == sensor.steps_per_epoch - 1 and not drop_last)
    start = seed % len(steps)
    again = made()
    for step in steps[start:]:
        assert np.array_equal(again.batch(*divmod(step, sensor.steps_per_epoch)).rows, found[step])


@dataclass(frozen=True, kw_only=True)
class Billion(Source):
    """Ten to the nine rows that are made when they are read."""

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec(("N",), "int64")}

    def __len__(self) -> int:
        return 10**9

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": indices}


@pytest.mark.parametrize(
    "sampler",
    [Shuffled(), Sequential(), Windowed(), Streams(count=64), Repeated(times=5), Weighted(), Weighted(draws=10**12)],
    ids=repr,
)
def test_a_billion_rows_take_no_memory(sampler: Sampler) -> None:
    sampler.rows(np.arange(1), size=10, seed=0, epoch=0)  # what is imported or cached once is no matter
    tracemalloc.start()
    sensor = Sensor(Billion(), batch_size=64, sampler=sampler)
    rows = np.concatenate([sensor.batch(3, sensor.steps_per_epoch - 2).rows, sensor.batch(0, 0).rows])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20  # a bit a row would be 119 MiB
    assert rows.min() >= 0
    assert rows.max() < 10**9
    assert isinstance(sampler, Weighted) or len(np.unique(rows)) >= 120


# -- what does not fit


@pytest.mark.parametrize(
    ("sampler", "error", "message"),
    [
        (Stratified(label="lable"), ConfigurationError, "'stratified' goes by the field 'lable', which the source"),
        (Stratified(label="lable"), ConfigurationError, "Did you mean 'label'\\? It has 'x', 'label', 'weight', 'odd'"),
        (
            Stratified(label="weight"),
            ConfigurationError,
            r"'weight', which is float64\[N\] .* integers that name class",
        ),
        (Stratified(label="x"), ConfigurationError, r"'x', which is int64\[N, 2\] .* it takes one value a row"),
        (Weighted(field="wait"), ConfigurationError, "'weighted' goes by the field 'wait'.*Did you mean 'weight'"),
        (Weighted(field="x"), ConfigurationError, "it takes one value a row, numbers"),
        (Weighted(balance="weight"), ConfigurationError, "integers that name classes"),
        (Weighted(field="odd"), DataError, "draws by the field 'odd', which is nan in row 2 of the source 'array_sour"),
        (Weighted(field="label"), DataError, "which is 0 in all rows"),
        (
            Streams(count=5),
            ConfigurationError,
            "into 5 streams, but the source .* has 4 rows; take a count of at most 4",
        ),
        (Repeated(times=2, sampler=Streams(count=5)), ConfigurationError, "a count of at most 4"),
    ],
)
def test_samplers_that_do_not_fit(sampler: Sampler, error: type[Exception], message: str) -> None:
    fields = {"x": np.zeros((4, 2), int), "label": [0] * 4, "weight": [1.0] * 4, "odd": [1.0, 0.0, np.nan, -1.0]}
    with pytest.raises(error, match=message):
        Sensor(arrays(**fields), batch_size=5 if "Streams" in repr(sampler) else 2, sampler=sampler)


@pytest.mark.parametrize("sampler", [Streams(count=2), Repeated(times=2, sampler=Streams(count=2))])
def test_streams_want_their_batch_size(sampler: Sampler) -> None:
    with pytest.raises(ConfigurationError, match="2 streams are read in batches of 2 rows, not of 3"):
        Sensor(arrays(x=np.arange(6)), batch_size=3, sampler=sampler)


@pytest.mark.parametrize("sampler", [Stratified(), Weighted(field="x"), Weighted(balance="x")])
def test_a_sampler_that_goes_by_a_source_must_know_it(sampler: Sampler) -> None:
    with pytest.raises(TypeError, match="made by `bound`"):
        sampler.rows(np.arange(2), size=2, seed=0, epoch=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{streams: {count: 0}}", "count must be at least 1, got 0"),
        ("streams", "needs 'count'"),
        ("{repeated: {times: 0}}", "times must be at least 1, got 0"),
        ("{repeated: {times: 2, sampler: shufled}}", "Did you mean 'shuffled'"),
        ("{weighted: {draws: 0}}", "draws must be at least 1, got 0"),
        ("{weighted: {draws: 1.5}}", "draws: expected an integer"),
        ("{stratified: {labels: y}}", "unknown key 'labels'.*Did you mean 'label'"),
    ],
)
def test_yaml_that_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        decode("sampler", load_yaml(f"sampler: {text}")["sampler"], default_manager().registry, "sampler")
