"""Crew: processes start when there is work for them, stay as long as there may be more, and end."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.data.crew import Crew
from akid_core.data.reading import Reading


def test_processes_end_with_the_items(kit: Any) -> None:
    reader = kit.sensor().batches()
    assert len(list(reader)) == 10
    kit.until(lambda: kit.workers() == [])
    assert kit.workers() == []
    reader.close()


def test_closed_in_the_middle(kit: Any) -> None:
    with kit.sensor(processes=2).spans(kit.steps()) as spans:
        next(spans)
        assert len(kit.workers()) == 2
    assert kit.workers() == []
    spans.close()
    assert list(spans) == []


def test_closed_by_an_exception_of_the_user(kit: Any) -> None:
    with pytest.raises(ZeroDivisionError), kit.sensor().spans(kit.steps()) as spans:
        1 / next(spans).epoch
    assert kit.workers() == []


def test_closed_before_anything_is_there(kit: Any) -> None:
    with kit.sensor().spans(kit.steps()):
        pass
    with kit.sensor().spans([]) as spans:
        assert list(spans) == []
    assert kit.workers() == []


def test_processes_stay_from_one_evaluation_to_the_next(kit: Any) -> None:
    def seen(batches: Any) -> tuple[list[list[int]], set[int]]:
        with batches:
            return [batch.rows.tolist() for batch in batches], {worker.pid for worker in kit.workers()}

    once = [list(range(start, min(start + 7, 40))) for start in range(0, 40, 7)]
    sensor = kit.sensor(processes=2, batch_size=7)
    with sensor.again():
        assert kit.workers() == []  # until they are needed
        first, mine = seen(sensor.batches())
        assert len(mine) == 2
        assert first == once
        assert seen(sensor.batches()) == (once, mine)
        with sensor.batches() as left:
            assert next(left).rows.tolist() == once[0]
            rows, both = seen(sensor.batches())  # two at once are two
            assert (rows, len(both)) == (once, 4)
        rows, others = seen(sensor.batches())
        assert (rows, others & mine) == (once, set())
        assert list(left) == []
        still = sensor.batches()
        assert next(still).rows.tolist() == once[0]
    assert [batch.rows.tolist() for batch in still] == once[1:]
    still.close()
    assert kit.workers() == []


def test_an_error_of_an_evaluation_is_one_of_the_next_too(kit: Any) -> None:
    sensor = kit.sensor(what="simple", at=38)
    with sensor.again():
        for _ in range(2):
            with sensor.batches() as batches, pytest.raises(Exception, match="'row', 38"):
                list(batches)


def test_a_run_starts_its_processes_once(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    start = Crew.__init__
    monkeypatch.setattr(Crew, "__init__", lambda *given: [started.append(given[-1]), start(*given)][1])
    brain = akid.Brain.sequential(L.Dense(units=40, name="logits"), inputs="x").with_loss(
        L.SoftmaxCrossEntropy(), "logits", "label"
    )

    def practised(reading: Reading) -> akid.PracticeResult:
        sensors = akid.sensors(kit.Numbers(), batch_size=20, eval_batch_size=20, reading=reading)
        practice = akid.Practice(epochs=3, validate_every="epoch")
        return akid.Kid(brain=brain, sensors=sensors, practice=practice, backend="numpy").practice()

    ahead, plain = practised(Reading(processes=1)), practised(Reading(threads=0))
    assert (ahead.val, ahead.test) == (plain.val, plain.test)
    assert started == ["step", "evaluation batch", "evaluation batch"]  # those of val three times, those of test
    assert kit.workers() == []


def test_only_as_many_processes_as_there_are_batches(kit: Any) -> None:
    with kit.sensor(processes=9, batch_size=40).batches() as batches:
        next(batches)
        assert len(kit.workers()) == 1


def test_a_forgotten_reader_ends_its_processes(kit: Any) -> None:
    next(kit.sensor().spans(kit.steps()))
    gc.collect()
    assert kit.workers() == []


def test_a_process_that_is_stuck_is_ended(kit: Any) -> None:
    with kit.sensor(what="sleep", at=9).spans(kit.steps()) as spans:
        next(spans)
    assert kit.workers() == []


def test_a_forked_child_leaves_the_processes_alone(kit: Any) -> None:
    with kit.sensor().spans(kit.steps()) as spans:
        next(spans)
        child = os.fork()
        if not child:
            spans.close()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert [next(spans).first_step for _ in range(20)] == list(range(1, 21))
