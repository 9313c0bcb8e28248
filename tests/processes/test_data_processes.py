"""Reading ahead in processes: the same bits, errors and deaths."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akid_core.data import ArraySource, Sensor, Shuffled, Span
from akid_core.data.arrays import read_arrays
from akid_core.data.hand import BLOCKS
from akid_core.data.reading import Reading
from akid_core.errors import ConfigurationError, DataError, TryAgainError
from akid_core.plugins.explicit import import_plugin


def flat(spans: Iterator[Span]) -> dict[str, bytes]:
    """All that the spans hold, to the bit, whatever their sizes."""
    parts: dict[str, bytes] = {}
    for span in spans:
        epochs = np.full(span.weights.shape, span.epoch)
        for name, values in {
            **span.fields,
            "w": span.weights,
            "p": span.positions,
            "r": span.rows,
            "e": epochs,
        }.items():
            parts[name] = parts.get(name, f"{values.dtype}{values.shape[2:]}".encode()) + values.tobytes()
    return parts


# -- the same bits


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(
    readings=st.lists(
        st.builds(Reading, processes=st.integers(1, 2), ahead=st.integers(0, 3))
        | st.builds(Reading, threads=st.none() | st.integers(1, 4), ahead=st.integers(0, 3)),
        min_size=2,
        max_size=2,
    ),
    size=st.integers(3, 90),
    batch=st.integers(1, 16),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    stopped=st.integers(0, 50),
)
def test_who_reads_never_changes_a_bit(
    kit: Any, readings: list[Reading], size: int, batch: int, sizes: list[int], stopped: int
) -> None:
    def sensor(reading: Reading) -> Sensor:
        augment = (kit.Jitter(), kit.Jitter(fields=("x",)))
        return Sensor(
            kit.Numbers(size=size), batch_size=batch, seed=4, sampler=Shuffled(), augment=augment, reading=reading
        )

    def plan(sensor: Sensor, first: int, last: int) -> Iterator[tuple[int, int]]:
        step = first
        while step < last:
            count = sensor.uniform(step, min(sizes[step % len(sizes)], last - step))
            yield step, count
            step += count

    reference = sensor(Reading(threads=0))
    singly = flat(reference.span(step, 1) for step in range(51))
    pieces: list[Span] = []
    for reading, first, last in zip(readings, (0, stopped), (stopped, 51), strict=True):
        part = sensor(reading)
        with part.spans(plan(part, first, last)) as spans:
            pieces += spans
    assert flat(iter(pieces)) == singly
    with sensor(readings[0]).batches() as batches:
        for index, found in enumerate(batches):
            expected = reference.evaluation_batch(index)
            assert all(np.array_equal(values, expected.fields[name]) for name, values in found.fields.items())
            assert np.array_equal(found.rows, expected.rows)


def test_arrays_in_memory_are_read_by_processes_too() -> None:
    images = np.random.default_rng(0).normal(size=(64, 3, 8, 8)).astype(np.float32)
    images[5, 0, 0, 0] = np.nan
    source = ArraySource(data={"train": read_arrays((images[::2], np.arange(32)), "train")})

    def read(reading: Reading) -> dict[str, bytes]:
        with Sensor(source, batch_size=5, sampler=Shuffled(), reading=reading).spans([(0, 6), (6, 1), (7, 3)]) as spans:
            return flat(spans)

    assert read(Reading(processes=2)) == read(Reading(threads=0))


def test_the_items_belong_to_the_user(kit: Any) -> None:
    with kit.sensor(batch_size=2).spans(kit.steps(20)) as spans:
        kept = list(spans)
    for span in kept:
        assert all(values.flags.writeable for values in span.fields.values())
        span.fields["x"].fill(7)
        assert span.fields["label"].tolist() == [[2 * span.first_step, 2 * span.first_step + 1]]


def test_rows_of_any_length_find_room(kit: Any) -> None:
    made = kit.sensor(what="open")
    with made.spans(kit.steps(10)) as spans, made.batches() as batches:
        for step, (span, batch) in enumerate(zip(spans, batches, strict=True)):
            assert span.fields["text"].shape == (1, 4, 1000 * (4 * step + 3))
            assert np.array_equal(span.fields["text"][0], batch.fields["text"])
            assert (batch.fields["text"] == 4 * step).all()
    with made.spans([(0, 2)]) as spans, pytest.raises(DataError, match="'text' is .4, 3000. in one batch"):
        next(spans)


def test_python_objects_cannot_be_shared(kit: Any) -> None:
    with kit.sensor(what="objects").batches() as batches, pytest.raises(DataError, match="'name' holds Python objects"):
        next(batches)


def test_what_is_made_ahead_is_bounded(kit: Any) -> None:
    planned: list[int] = []
    plan = ((planned.append(step) or step, 1) for step in range(10**6))
    with kit.sensor(processes=2, ahead=3).spans(plan) as spans:
        for taken in range(3):
            most = taken + 3 + 2 * BLOCKS
            kit.until(lambda most=most: len(planned) >= most)
            time.sleep(0.05)
            assert len(planned) == most
            next(spans)
        assert spans.waited > 0
    assert kit.open_now()["maps"] == 0


# -- errors


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        ("simple", "SimpleError", r"\('row', 13\)"),
        ("two", "DataError", "TwoArgumentsError: 1 and 2"),
        ("local", "DataError", "LocalError: deep inside"),
        ("exit", "SystemExit", "9"),
    ],
)
def test_an_error_comes_where_its_batch_would(kit: Any, what: str, kind: str, text: str) -> None:
    with kit.sensor(what=what, at=13).spans(kit.steps(10)) as spans:
        assert [next(spans).first_step for _ in range(3)] == [0, 1, 2]
        with pytest.raises(BaseException, match=text) as raised:
            next(spans)
        assert list(spans) == []
    assert type(raised.value).__name__ == kind
    if kind != "SystemExit":
        assert raised.value.__notes__ == [
            "while reading row 13 of the split 'train'",
            "while reading step 3 (epoch 0, positions 12 to 15)",
        ]
    assert "in happen" in str(raised.value.__cause__)


def test_an_error_of_the_plan_comes_after_the_batches_before_it(kit: Any) -> None:
    def plan() -> Iterator[tuple[int, int]]:
        yield from ((0, 1), (1, 1))
        raise LookupError("plan")

    with kit.sensor().spans(plan()) as spans:
        assert [next(spans).first_step for _ in range(2)] == [0, 1]
        with pytest.raises(LookupError, match="plan"):
            next(spans)


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        ("SIGKILL", TryAgainError, "ended while it made step 3, by SIGKILL"),
        ("SIGSEGV", DataError, "ended while it made step 3, by SIGSEGV"),
        ("die", DataError, "ended while it made step 3, with exit code 3"),
    ],
)
def test_a_process_that_dies_is_reported(kit: Any, what: str, kind: type[Exception], text: str) -> None:
    with kit.sensor(what=what, at=13).spans(kit.steps(10)) as spans:
        assert [next(spans).first_step for _ in range(3)] == [0, 1, 2]
        with pytest.raises(kind, match=text):
            next(spans)


def test_a_process_that_is_killed_from_outside_is_reported(kit: Any) -> None:
    with kit.sensor().spans(kit.steps()) as spans:
        next(spans)
        for worker in kit.workers():
            os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(TryAgainError, match="SIGKILL"):
            list(spans)


def test_a_source_that_cannot_be_sent(kit: Any) -> None:
    for thing in (lambda: 0, threading.Lock()):
        with kit.sensor(thing=thing).batches() as batches, pytest.raises(ConfigurationError, match="must be picklable"):
            next(batches)


def test_a_source_that_cannot_be_loaded(kit: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("only_here")
    exec("def thing(): pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with kit.sensor(thing=module.thing).batches() as batches:
        with pytest.raises(
            ConfigurationError, match="cannot load the source .ModuleNotFoundError: No module"
        ) as raised:
            next(batches)
        assert isinstance(raised.value.__cause__, ModuleNotFoundError)
    broken = importlib.import_module("reading_broken")
    broken.thing = type("Thing", (), {"__module__": "reading_broken", "__qualname__": "thing"})
    with (
        kit.sensor(thing=broken.thing).batches() as batches,
        pytest.raises(ConfigurationError, match="exit code 5 before it read anything"),
    ):
        next(batches)


def test_a_source_in_a_plugin_file(tmp_path: Path) -> None:
    path = tmp_path / "reading_plugin.py"
    path.write_text("from reading_kit import *\n\nclass Doubled(Numbers):\n    pass\n")
    module = import_plugin(str(path))
    sensor = Sensor(module.Doubled(), batch_size=40, reading=Reading(processes=1))
    with sensor.batches() as batches:
        assert next(batches).rows.tolist() == list(range(40))


def test_where_processes_may_not_be_started(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with kit.sensor().batches() as batches, pytest.raises(ConfigurationError, match="daemonic process"):
        next(batches)
