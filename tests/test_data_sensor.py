"""Sensor: batches are a pure function of their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data import Augmenter, Batch, Draws, Mixer, Sensor, Shuffled, Source, Span
from akid_core.data.forward import Forward
from akid_core.data.grouped import Apart
from akid_core.data.prefetch import Prefetch
from akid_core.data.reading import Reading
from akid_core.errors import ConfigurationError, DataError, TryAgainError
from akid_core.specs import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Numbers(Source):
    """Row r is the number r, as `x` (r, 10 r) and `label` r."""

    size: int = 10
    memory: bool = True

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec(("N", 2), "float32"), "label": TensorSpec(("N",), "int64")}

    def __len__(self) -> int:
        return self.size

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"x": np.stack([indices, 10 * indices], axis=1).astype(np.float32), "label": indices.copy()}

    @property
    def in_memory(self) -> bool:
        return self.memory


@dataclass(frozen=True, kw_only=True)
class Jitter(Augmenter):
    """Add a uniform number, and an integer from another stream."""

    fields: tuple[str, ...] = ("x",)
    range: int = 5

    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        noise = random.uniform() + random.integers(-self.range, self.range, stream=1)
        return {name: fields[name] + noise[:, np.newaxis].astype(np.float32) for name in self.fields}


def plan(sensor: Sensor, first: int, last: int, sizes: Iterator[int]) -> Iterator[tuple[int, int]]:
    step = first
    while step < last:
        count = sensor.uniform(step, min(next(sizes), last - step))
        yield step, count
        step += count


def flat(spans: Iterator[Span]) -> dict[str, np.ndarray]:
    """All rows of the spans in one line, and the number of rows of each step."""
    parts: dict[str, list[np.ndarray]] = {"sizes": []}
    for span in spans:
        parts["sizes"].append(np.full(span.steps, span.weights.shape[1]))
        for name, values in {**span.fields, "w": span.weights, "p": span.positions, "r": span.rows}.items():
            parts.setdefault(name, []).append(values.reshape(-1, *values.shape[2:]))
    return {name: np.concatenate(values) for name, values in parts.items()}


def same(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


@settings(deadline=None, max_examples=30)
@given(size=st.integers(1, 300), batch=st.integers(1, 40), seed=st.integers(0, 2**40), epoch=st.integers(0, 50))
def test_an_epoch_holds_every_row_once(size: int, batch: int, seed: int, epoch: int) -> None:
    sensor = Sensor(Numbers(size=size), batch_size=batch, seed=seed, sampler=Shuffled())
    batches = [sensor.batch(epoch, index) for index in range(sensor.steps_per_epoch)]
    rows = np.concatenate([batch.rows for batch in batches])
    assert np.array_equal(np.sort(rows), np.arange(size))
    assert np.array_equal(np.concatenate([batch.fields["label"] for batch in batches]), rows)
    assert np.array_equal(np.concatenate([batch.positions for batch in batches]), np.arange(size))
    assert {len(each) for each in batches[:-1]} <= {batch}
    assert len(batches[-1]) == (size % batch or batch)


@settings(deadline=None, max_examples=30)
@given(
    size=st.integers(3, 120),
    batch=st.integers(1, 16),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    resume=st.integers(0, 60),
    memory=st.booleans(),
    augmented=st.booleans(),
)
def test_values_do_not_depend_on_how_they_are_read(
    size: int, batch: int, sizes: list[int], resume: int, memory: bool, augmented: bool
) -> None:
    def sensor() -> Sensor:
        augment = (Jitter(), Jitter(range=2)) if augmented else ()
        source = Numbers(size=size, memory=memory)
        return Sensor(source, batch_size=batch, seed=4, sampler=Shuffled(), augment=augment)

    def read(first: int, sizes: list[int]) -> dict[str, np.ndarray]:
        made = sensor()
        counts = (sizes[turn % len(sizes)] for turn in range(10**6))
        with made.spans(plan(made, first, 61, counts)) as spans:
            return flat(spans)

    singly, by_sizes = read(0, [1]), read(0, sizes)
    assert same(singly, by_sizes)
    done = int(singly["sizes"][:resume].sum())
    rest = {name: values[resume if name == "sizes" else done :] for name, values in singly.items()}
    assert same(rest, read(resume, sizes))


@settings(deadline=None, max_examples=30)
@given(batch=st.integers(1, 50), epoch=st.integers(0, 20))
def test_augmentation_is_the_same_for_every_batch_size(batch: int, epoch: int) -> None:
    def epoch_of(batch_size: int) -> np.ndarray:
        sensor = Sensor(Numbers(size=50), batch_size=batch_size, seed=1, sampler=Shuffled(), augment=(Jitter(),))
        return np.concatenate([sensor.batch(epoch, index).fields["x"] for index in range(sensor.steps_per_epoch)])

    assert np.array_equal(epoch_of(batch), epoch_of(50))


def test_randomness_depends_on_seed_epoch_position_and_path() -> None:
    def noise(seed: int = 0, epoch: int = 0, augment: tuple[Augmenter, ...] = (Jitter(),)) -> np.ndarray:
        sensor = Sensor(Numbers(size=100), batch_size=100, seed=seed, augment=augment)
        batch = sensor.batch(epoch, 0)
        return batch.fields["x"][:, 0] - batch.rows

    reference = noise()
    assert len(np.unique(reference)) > 90
    assert not np.array_equal(reference, noise(seed=1))
    assert not np.array_equal(reference, noise(epoch=1))
    assert not np.array_equal(reference, noise(augment=(Jitter(name="other"),)))
    assert np.array_equal(reference, noise(augment=(Jitter(name="jitter"),)))
    assert not np.allclose(noise(augment=(Jitter(), Jitter())), 2 * reference)


def test_draws_are_uniform_and_streams_independent() -> None:
    draws = Draws(0, "shift", 3, np.arange(20000))
    first, second = draws.uniform(), draws.uniform(stream=1)
    assert first.mean() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    counts = np.bincount(draws.integers(-2, 3) + 2, minlength=5)
    assert counts == pytest.approx([4000] * 5, rel=0.06)
    with pytest.raises(ValueError, match=r"\[3, 3\)"):
        draws.integers(3, 3)


def test_short_last_batch_is_kept_or_dropped() -> None:
    kept = Sensor(Numbers(size=10), batch_size=4)
    assert (len(kept), kept.steps_per_epoch) == (10, 3)
    assert [len(kept.batch(0, index)) for index in range(3)] == [4, 4, 2]
    assert [kept.uniform(step, 5) for step in range(4)] == [2, 1, 1, 2]
    dropped = Sensor(Numbers(size=10), batch_size=4, drop_last=True)
    assert dropped.steps_per_epoch == 2
    assert dropped.uniform(0, 5) == 2
    assert [len(batch) for batch in dropped.batches()] == [4, 4, 2]


def test_a_span_is_stacked_batches_of_one_epoch() -> None:
    sensor = Sensor(Numbers(size=10), batch_size=4, seed=2, sampler=Shuffled())
    span = sensor.span(3, 2)  # three steps in an epoch: the first two of epoch 1
    assert (span.epoch, span.first_step, span.steps, span.first_row) == (1, 3, 2, 0)
    assert span.fields["x"].shape == (2, 4, 2)
    assert span.weights.dtype == np.float32
    assert span.weights.tolist() == [[1.0] * 4] * 2
    assert np.array_equal(span.batch(1).rows, sensor.batch(1, 1).rows)
    for step, count in ((0, 3), (2, 2), (0, 0)):
        with pytest.raises(ValueError, match=f"{count} steps from step {step}"):
            sensor.span(step, count)


def test_evaluation_is_in_order_and_plain() -> None:
    sensor = Sensor(Numbers(size=10), batch_size=4, seed=2, sampler=Shuffled(), augment=(Jitter(),))
    batches = list(sensor.batches())
    assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(10))
    assert np.concatenate([batch.fields["x"][:, 1] for batch in batches]).tolist() == [10 * row for row in range(10)]


def test_validation_does_not_disturb_training() -> None:
    def trained(validate: bool) -> dict[str, np.ndarray]:
        train = Sensor(Numbers(size=30), batch_size=4, seed=2, sampler=Shuffled(), augment=(Jitter(),))
        val = Sensor(Numbers(size=7, memory=False), batch_size=3, seed=2)

        def spans() -> Iterator[Span]:
            with train.spans(plan(train, 0, 40, iter([3] * 40))) as reader:
                for span in reader:
                    if validate:
                        list(val.batches())
                        list(train.batches())
                        train.batch(7, 0)
                    yield span

        return flat(spans())

    assert same(trained(validate=True), trained(validate=False))


def test_thread_only_where_reading_is_work() -> None:
    def threaded(memory: bool, augment: tuple[Augmenter, ...] = ()) -> tuple[bool, bool]:
        sensor = Sensor(Numbers(memory=memory), batch_size=2, augment=augment)
        with sensor.spans([]) as spans, sensor.batches() as batches:
            return isinstance(spans, Prefetch | Apart), isinstance(batches, Prefetch)

    assert threaded(memory=True) == (False, False)
    assert threaded(memory=True, augment=(Jitter(),)) == (True, False)
    assert threaded(memory=False) == (True, True)


@dataclass(frozen=True, kw_only=True)
class Stream(Numbers):
    """The same in pieces of 7 rows, one after another; `begun` are the rows that the reading began at."""

    size: int = 500
    begun: list[int] = field(default_factory=list)

    @property
    def sequential(self) -> bool:
        return True

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._forward.rows(indices)

    @cached_property
    def _forward(self) -> Forward:
        def begin(skip: int) -> Iterator[Mapping[str, np.ndarray]]:
            self.begun.append(skip)
            return (super(Stream, self).rows(np.arange(row, row + 7)) for row in range(skip, self.size + 7, 7))

        return Forward(begin)


@dataclass(frozen=True, kw_only=True)
class Swapped(Mixer):
    """Rows are what their partners were, in windows of four."""

    fields: tuple[str, ...] = ("x",)

    def partners(self, random: Draws, size: int) -> np.ndarray:
        return random.positions ^ 3

    def mix(self, fields: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray], random: Draws) -> dict[str, Any]:
        return {"x": others["x"]}


def test_a_source_that_goes_forward_is_read_once() -> None:
    source = Stream()
    sensor = Sensor(source, batch_size=4, augment=(Swapped(),), reading=Reading(threads=4))
    source.begun.clear()
    with sensor.spans((step, 1) for step in range(125)) as spans:
        assert next(spans).fields["x"][0, :, 0].tolist() == [3, 2, 1, 0]
        assert sum(1 for _ in spans) == 124
    assert len(source.begun) == 1


def test_partners_that_a_source_has_left_behind() -> None:
    for reading in (Reading(), Reading(threads=0)):
        sensor = Sensor(Stream(), batch_size=6, augment=(Swapped(),), reading=reading)
        with sensor.spans((step, 1) for step in range(3)) as spans:
            next(spans)
            with pytest.raises(ConfigurationError, match="batches before them.*a batch_size that their window divides"):
                next(spans)


def test_sample_weights_travel_as_weights() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Weighted(Numbers):
        @property
        def spec(self) -> Mapping[str, TensorSpec]:
            return {**super().spec, Batch.WEIGHTS: TensorSpec(("N",), "float64")}

        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            return {**super().rows(indices), Batch.WEIGHTS: indices / 2}

    sensor = Sensor(Weighted(), batch_size=4)
    batch = sensor.batch(0, 1)
    assert list(sensor.spec) == list(batch.fields) == ["x", "label"]
    assert batch.weights.dtype == np.float32
    assert batch.weights.tolist() == [2.0, 2.5, 3.0, 3.5]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"x": np.zeros((4, 2), np.float32)}, "'label' as int64[N], but gave nothing"),
        ({"x": np.zeros((4, 3), np.float32), "label": np.arange(4)}, "'x' as float32[N, 2], but gave float32[4, 3]"),
        ({"x": np.zeros((4, 2)), "label": np.arange(4)}, "'x' as float32[N, 2], but gave float64[4, 2]"),
        ({"x": np.zeros((3, 2), np.float32), "label": np.arange(4)}, "but gave float32[3, 2] for 4 rows"),
        ({"x": [[0, 0]] * 4, "label": np.arange(4)}, "'x' as float32[N, 2], but gave a list, which is no array"),
        (None, "The `rows` of the source 'liar' gave a NoneType; they give a dictionary of arrays by field name."),
    ],
)
def test_a_source_that_breaks_its_promise(given: dict[str, np.ndarray], found: str) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Liar(Numbers):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            return given

    with pytest.raises(DataError) as raised:
        Sensor(Liar(), batch_size=4).span(1, 1)
    assert found in str(raised.value)
    assert raised.value.__notes__ == ["while reading step 1 (epoch 0, positions 4 to 7)"]


@pytest.mark.parametrize(("epoch", "index"), [(0, 3), (0, -1), (-1, 0)])
def test_a_batch_that_no_epoch_has(epoch: int, index: int) -> None:
    sensor = Sensor(Numbers(size=12), batch_size=5)
    assert sensor.batch(0, 2).rows.tolist() == [10, 11]
    with pytest.raises(IndexError, match=f"no batch {index} of epoch {epoch}: .* the batches 0 to 2"):
        sensor.batch(epoch, index)


@pytest.mark.parametrize(("error", "raised"), [(OSError("disk"), OSError), (StopIteration(), RuntimeError)])
@pytest.mark.parametrize("memory", [True, False])
def test_an_error_of_the_source_reaches_the_reader(error: Exception, raised: type[Exception], memory: bool) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Broken(Numbers):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            if 6 in indices:
                raise error
            return super().rows(indices)

    sensor = Sensor(Broken(memory=memory), batch_size=2)
    with sensor.spans((step, 1) for step in range(5)) as spans, sensor.batches() as batches:
        for items in (spans, batches):
            assert [next(items).rows.ravel().tolist() for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]
            with pytest.raises(raised):
                next(items)


@pytest.mark.parametrize(
    ("error", "asked", "note"),
    [
        (OSError("disk"), [8, *[1] * 7], "while reading row 6 of the split 'train'"),
        (DataError("no number in row 6 of the file"), [8], None),
        (TryAgainError("the server is down"), [8], None),
    ],
)
def test_an_error_names_its_row(error: Exception, asked: list[int], note: str | None) -> None:
    counts = []

    @dataclass(frozen=True, kw_only=True)
    class Broken(Numbers):
        def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
            counts.append(len(indices))
            if 6 in indices:
                raise error
            return super().rows(indices)

    with pytest.raises(type(error)) as raised:
        Sensor(Broken(size=12), batch_size=8).evaluation_batch(0)
    assert counts == asked
    assert raised.value.__notes__[:-1] == ([note] if note else [])


def test_an_augmenter_that_breaks_its_promise() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Crop(Augmenter):
        fields: tuple[str, ...] = ("x",)
        result: str = "x"

        def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
            return {self.result: fields["x"][:, :1]}

    with pytest.raises(DataError, match=r"'crop' made float32\[4, 1\] of the field 'x', which should be float32\[N, 2"):
        Sensor(Numbers(), batch_size=4, augment=(Crop(),)).batch(0, 0)
    with pytest.raises(DataError, match="'crop' gave the field 'y', which its `outputs` do not name"):
        Sensor(Numbers(), batch_size=4, augment=(Crop(result="y"),)).batch(0, 0)


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="The 'train' split of the source 'numbers' has no rows"):
        Sensor(Numbers(size=0), batch_size=4)
    with pytest.raises(ConfigurationError, match="take a batch_size of at most 10"):
        Sensor(Numbers(), batch_size=11, drop_last=True)
    with pytest.raises(ConfigurationError, match="the field 'image', but a batch has the fields 'x', 'label'"):
        Sensor(Numbers(), batch_size=4, augment=(Jitter(fields=("image",)),))
    with pytest.raises(ConfigurationError, match="two augmenters are called 'jitter_2'"):
        Sensor(Numbers(), batch_size=4, augment=(Jitter(name="jitter_2"), Jitter()))
