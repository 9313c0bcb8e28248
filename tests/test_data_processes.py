"""Reading ahead in processes: the same bits, errors, deaths, and nothing left behind."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import akid_core as akid
from akid_core import layers as L
from akid_core.data import ArraySource, Sensor, Shuffled, Span
from akid_core.data.arrays import read_arrays
from akid_core.data.crew import Crew
from akid_core.data.hand import BLOCKS
from akid_core.data.parcel import Parcel
from akid_core.data.reading import Reading
from akid_core.errors import ConfigurationError, DataError, TryAgainError
from akid_core.plugins.explicit import import_plugin

KIT = '''
import os, signal, time
from dataclasses import dataclass

import numpy as np

from akid_core.data import Augmenter, Sensor, Source
from akid_core.data.reading import Reading
from akid_core.specs import TensorSpec


class Simple(Exception):
    pass


class TwoArguments(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@dataclass(frozen=True, kw_only=True)
class Numbers(Source):
    """Row r is the number r; at row `at` something happens."""

    size: int = 40
    at: int = -1
    what: str = ""
    thing: object = None

    @property
    def spec(self):
        fields = {"x": TensorSpec(("N", 2), "float32"), "label": TensorSpec(("N",), "int64")}
        if self.what == "open":
            fields["text"] = TensorSpec(("N", "T"), "uint8")
        if self.what == "objects":
            fields["name"] = TensorSpec(("N",), "object")
        return fields

    def __len__(self):
        return self.size

    def rows(self, indices):
        if self.at in indices:
            self.happen()
        fields = {"x": np.stack([indices, 10 * indices], axis=1).astype(np.float32), "label": indices.copy()}
        if self.what == "open":
            fields["text"] = np.full((len(indices), 1000 * indices.max()), indices.min(), np.uint8)
        if self.what == "objects":
            fields["name"] = np.array([None] * len(indices), object)
        return fields

    def happen(self):
        if self.what == "simple":
            raise Simple("row", self.at)
        if self.what == "two":
            raise TwoArguments(1, 2)
        if self.what == "local":
            class Local(Exception):
                pass
            raise Local("deep inside")
        if self.what == "exit":
            raise SystemExit(9)
        if self.what == "die":
            os._exit(3)
        if self.what == "SIGKILL" and not os.fork():  # a child that keeps all files open must not hide the death
            time.sleep(2)
            os._exit(0)
        if self.what.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, self.what))
        if self.what == "sleep":
            time.sleep(1000)


@dataclass(frozen=True, kw_only=True)
class Jitter(Augmenter):
    fields: tuple[str, ...] = ("x",)

    def apply(self, fields, random):
        return {name: fields[name] + random.uniform()[:, np.newaxis].astype(np.float32) for name in self.fields}


def sensor(processes=1, batch_size=4, ahead=2, **settings):
    reading = Reading(processes=processes, ahead=ahead)
    return Sensor(Numbers(**settings), batch_size=batch_size, augment=(Jitter(),), reading=reading)


def steps(count=10**6, size=1):
    return ((step, size) for step in range(0, count, size))
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that processes import from, with the module `reading_kit`."""
    folder = tmp_path_factory.mktemp("kit")
    (folder / "reading_kit.py").write_text(KIT)
    (folder / "reading_broken.py").write_text(
        "import os, sys\nif 'pytest' not in sys.modules: os._exit(5)\nthing = print"
    )
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def kit(folder: Path) -> Any:
    return importlib.import_module("reading_kit")


@pytest.fixture(autouse=True)
def _nothing_is_left(kit: Any) -> Iterator[None]:
    multiprocessing.resource_tracker.ensure_running()  # Python's own, one for the life of a program
    before = open_now()
    yield
    gc.collect()
    until(lambda: open_now() == before)
    assert open_now() == before


def open_now() -> dict[str, Any]:
    """What this program holds of the system."""
    return {
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": [thread for thread in threading.enumerate() if thread.name == "akid-prefetch"],
        "children": sorted(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        "maps": Path("/proc/self/maps").read_text().count("memfd:akid"),
        "named memory": Path("/proc/self/maps").read_text().count("/dev/shm/"),
    }


def until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def workers() -> list[Any]:
    return [child for child in multiprocessing.active_children() if child.name == "akid-reader"]


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
            until(lambda most=most: len(planned) >= most)
            time.sleep(0.05)
            assert len(planned) == most
            next(spans)
        assert spans.waited > 0
    assert open_now()["maps"] == 0


# -- errors


@pytest.mark.parametrize(
    ("what", "kind", "text"),
    [
        ("simple", "Simple", r"\('row', 13\)"),
        ("two", "DataError", "TwoArguments: 1 and 2"),
        ("local", "DataError", "Local: deep inside"),
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
        for worker in workers():
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


# -- ends


def test_processes_end_with_the_items(kit: Any) -> None:
    reader = kit.sensor().batches()
    assert len(list(reader)) == 10
    until(lambda: workers() == [])
    assert workers() == []
    reader.close()


def test_closed_in_the_middle(kit: Any) -> None:
    with kit.sensor(processes=2).spans(kit.steps()) as spans:
        next(spans)
        assert len(workers()) == 2
    assert workers() == []
    spans.close()
    assert list(spans) == []


def test_closed_by_an_exception_of_the_user(kit: Any) -> None:
    with pytest.raises(ZeroDivisionError), kit.sensor().spans(kit.steps()) as spans:
        1 / next(spans).epoch
    assert workers() == []


def test_closed_before_anything_is_there(kit: Any) -> None:
    with kit.sensor().spans(kit.steps()):
        pass
    with kit.sensor().spans([]) as spans:
        assert list(spans) == []
    assert workers() == []


def test_processes_stay_from_one_evaluation_to_the_next(kit: Any) -> None:
    def seen(batches: Any) -> tuple[list[list[int]], set[int]]:
        with batches:
            return [batch.rows.tolist() for batch in batches], {worker.pid for worker in workers()}

    once = [list(range(start, min(start + 7, 40))) for start in range(0, 40, 7)]
    sensor = kit.sensor(processes=2, batch_size=7)
    with sensor.again():
        assert workers() == []  # until they are needed
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
    assert workers() == []


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
    assert workers() == []


def test_only_as_many_processes_as_there_are_batches(kit: Any) -> None:
    with kit.sensor(processes=9, batch_size=40).batches() as batches:
        next(batches)
        assert len(workers()) == 1


def test_a_forgotten_reader_ends_its_processes(kit: Any) -> None:
    next(kit.sensor().spans(kit.steps()))
    gc.collect()
    assert workers() == []


def test_a_process_that_is_stuck_is_ended(kit: Any) -> None:
    with kit.sensor(what="sleep", at=9).spans(kit.steps()) as spans:
        next(spans)
    assert workers() == []


def test_a_forked_child_leaves_the_processes_alone(kit: Any) -> None:
    with kit.sensor().spans(kit.steps()) as spans:
        next(spans)
        child = os.fork()
        if not child:
            spans.close()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert [next(spans).first_step for _ in range(20)] == list(range(1, 21))


# -- whole programs


SCRIPT = """
import multiprocessing, os, signal, sys, time
import reading_kit as kit

def main():
    spans = kit.sensor({settings}).spans(kit.steps())
    next(spans)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    {end}

if __name__ == "__main__":
    main()
"""


def started(folder: Path, end: str, settings: str = "", script: str = SCRIPT) -> subprocess.Popen[str]:
    """A program with an open reader, in a session of its own, that has printed the ids of its workers."""
    path = folder / "script.py"
    path.write_text(script.format(end=end, settings=settings))
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    )


def gone(identifiers: list[str]) -> bool:
    return not any(running(identifier) for identifier in identifiers)


def running(identifier: str) -> bool:
    try:
        return Path(f"/proc/{identifier}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGINT)", -2),
        ("globals().update(kept=spans)", 0),
        ("os._exit(4)", 4),
    ],
)
def test_the_interpreter_exits_with_an_open_reader(folder: Path, end: str, code: int) -> None:
    with started(folder, end) as program:
        out, errors = program.communicate(timeout=60)
    assert program.returncode == code, errors
    assert len(out.split()) == 1
    until(lambda: gone(out.split()))
    assert gone(out.split())
    assert [line for line in errors.splitlines() if "Error" in line or "resource_tracker" in line] == []


@pytest.mark.parametrize("settings", ["", "what='sleep', at=9"])
def test_processes_end_when_their_parent_is_killed(folder: Path, settings: str) -> None:
    with started(folder, "time.sleep(1000)", settings) as program:
        identifiers = program.stdout.readline().split()
        assert len(identifiers) == 1
        program.kill()
    until(lambda: gone(identifiers))
    assert gone(identifiers)


def test_signals_to_all_processes_are_for_the_first_one(folder: Path) -> None:
    end = """
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    print("ready", flush=True)
    sys.stdin.readline()
    first = [next(spans).first_step for _ in range(50)]
    spans.close()
    print(first == list(range(1, 51)), flush=True)
"""
    path = folder / "script.py"
    path.write_text(SCRIPT.format(end=end, settings="processes=2"))
    with subprocess.Popen(
        [sys.executable, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    ) as program:
        assert len(program.stdout.readline().split()) == 2
        assert program.stdout.readline() == "ready\n"
        for number in (signal.SIGINT, signal.SIGTERM):
            os.killpg(program.pid, number)
        out, errors = program.communicate("go on\n", timeout=60)
    assert (out, errors, program.returncode) == ("True\n", "", 0)


def test_ctrl_c_in_a_terminal_ends_a_program_that_waits_for_its_processes(folder: Path) -> None:
    with started(folder, "list(spans)", "what='sleep', at=30") as program:
        identifiers = program.stdout.readline().split()
        time.sleep(0.1)
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert gone(identifiers)


def test_a_reader_in_a_process_of_multiprocessing(folder: Path) -> None:
    script = SCRIPT.replace(
        "    main()",
        "    child = multiprocessing.get_context('spawn').Process(target=main)\n"
        "    child.start(); child.join(); sys.exit(child.exitcode)",
    )
    with started(folder, "globals().update(kept=spans)", script=script) as program:
        out, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, "")
    assert gone(out.split())


def test_a_script_without_a_guard_is_told(folder: Path) -> None:
    script = "import reading_kit as kit\nwith kit.sensor(processes=1).batches() as batches:\n    next(batches)\n"
    with started(folder, "", script=script) as program:
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert "ConfigurationError: A process that should read ahead ended with exit code 1 before" in errors
    assert "under `if __name__ ==" in errors.splitlines()[-1]


# -- what is sent


def test_a_parcel_shares_arrays_and_changes_stay_private() -> None:
    arrays = [np.arange(10**6), np.asfortranarray(np.eye(30)), np.arange(20)[::3], np.zeros((0, 3)), np.array(True)]
    parcel = Parcel(arrays)
    first, second = parcel.open(), parcel.open()
    for found, expected in zip(first, arrays, strict=True):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)
    first[0][5] = -1
    assert (first[0][5], second[0][5], arrays[0][5], parcel.open()[0][5]) == (-1, 5, 5, 5)
    parcel.close()
    assert second[0][999] == 999


def test_a_parcel_leaves_files_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    np.arange(10**6).tofile(path)
    whole = np.memmap(path, np.int64, "r", offset=16, shape=(100, 50))
    views = [whole, np.asarray(whole), whole[3:, ::-2], whole.T, whole.reshape(-1)[-7:].view(np.uint8), whole[:0]]
    parcel = Parcel(views)
    assert parcel._size < 4096
    for found, expected in zip(parcel.open(), views, strict=True):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)
    changed = np.memmap(path, np.int64, "c", shape=(4,))
    changed[0] = 77
    parcel.close()
    parcel = Parcel(changed)
    assert parcel.open()[0] == 77
    parcel.close()
