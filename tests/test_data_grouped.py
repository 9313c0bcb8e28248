"""Small spans are made together, and look as if each had been made by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data import Augmenter, Draws, Reading, Sensor, Shuffled
from akid_core.data.arrays import ArraySource
from akid_core.data.batch import Span
from akid_core.data.grouped import grouped, steps_together
from akid_core.specs import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Noise(Augmenter):
    """Adds a number; refuses the row with the value `bad`."""

    fields: tuple[str, ...] = ("x",)
    bad: int = -1

    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        if (fields["x"] == self.bad).any():
            raise RuntimeError(f"{self.bad} is bad")
        return {"x": fields["x"] + random.uniform()}


def sensor(size: int, batch: int, threads: int = 1, bad: int = -1) -> Sensor:
    source = ArraySource(data={"train": {"x": np.arange(size, dtype=np.float64)}})
    noise = (Noise(bad=bad),)
    return Sensor(source, batch_size=batch, seed=3, sampler=Shuffled(), augment=noise, reading=Reading(threads=threads))


def same(left: Span, right: Span) -> bool:
    arrays = ((left.fields["x"], right.fields["x"]), (left.weights, right.weights), (left.rows, right.rows))
    alike = (left.epoch, left.first_step, left.full) == (right.epoch, right.first_step, right.full)
    return alike and all(np.array_equal(one, other) for one, other in (*arrays, (left.positions, right.positions)))


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(1, 60),
    batch=st.integers(1, 9),
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    skips=st.lists(st.integers(0, 2), min_size=1, max_size=4),
    threads=st.integers(1, 3),
)
def test_spans_are_those_made_one_by_one(
    size: int, batch: int, counts: list[int], skips: list[int], threads: int
) -> None:
    made = sensor(size, batch, threads)

    def plan() -> Iterator[tuple[int, int]]:
        step = 0
        for turn in range(30):
            count = made.uniform(step, counts[turn % len(counts)])
            yield step, count
            step += count + skips[turn % len(skips)]

    alone = [made.span(*item) for item in plan()]
    with made.spans(plan()) as spans:
        found = list(spans)
    assert len(found) == len(alone)
    assert all(map(same, found, alone))


def test_an_error_stands_in_its_place() -> None:
    made = sensor(80, 4, bad=7)
    order = sensor(80, 4).span(0, 20).rows.ravel()
    step = int(np.flatnonzero(order == 7)[0]) // 4
    with made.spans((number, 1) for number in range(20)) as spans:
        for number in range(step):
            assert next(spans).first_step == number
        with pytest.raises(RuntimeError, match="7 is bad") as raised:
            next(spans)
        with pytest.raises(StopIteration):
            next(spans)
    assert f"while reading step {step} " in " ".join(raised.value.__notes__)


def test_what_goes_together() -> None:
    plan = [(0, 1), (1, 2), (3, 1), (5, 1), (6, 1), (7, 4), (11, 1)]
    groups = [list(group) for group in grouped(plan, lambda step, count: count <= 4 and step + count <= 11)]
    assert groups == [[(0, 1), (1, 2), (3, 1)], [(5, 1), (6, 1)], [(7, 4)], [(11, 1)]]


@pytest.mark.parametrize(
    ("row", "batch", "steps"),
    [
        ((3, 32, 32), 128, 8),  # 1024 rows of 12 KiB
        ((3, 32, 32), 2000, 1),
        ((3, 224, 224), 16, 1),  # a batch of 9.2 MiB
        ((64,), 32, 32),
        (("T",), 4, 1),
    ],
)
def test_how_many(row: tuple[int | str, ...], batch: int, steps: int) -> None:
    assert steps_together({"x": TensorSpec(("N", *row), "float32")}, batch) == steps
