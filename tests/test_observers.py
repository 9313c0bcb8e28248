"""Observers: the console and TensorBoard, from the life-cycle hooks to what a reader sees."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from akid_core.bundled.observe import plugin
from akid_core.errors import AkidError, ConfigurationError
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.observers.progress import Progress

pytest.importorskip("tensorboard", reason="the extra akid-core[observe] is not installed")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from akid_core.bundled.observe import tensorboard as observe
from akid_core.bundled.observe.tensorboard import Tensorboard


def moment(step: int, values: dict[str, float] | None = None, **more: Any) -> Moment:
    return Moment(**{"kid": None, "run_dir": None, "epoch": step // 10, "step": step, "values": values or {}, **more})


# --- the base -------------------------------------------------------------------------------------------------------


def test_an_observer_takes_the_spans_as_they_come() -> None:
    assert Observer().next_look(3) is None
    assert (Progress.component(), Tensorboard.component()) == ("progress", "tensorboard")


def test_what_an_observer_holds_open_is_no_part_of_its_configuration(tmp_path: Path) -> None:
    used = Tensorboard()
    used.akid_practice_begin(moment(0, run_dir=tmp_path))
    assert used == Tensorboard() == replace(used)
    assert repr(used) == "Tensorboard()"
    used.akid_practice_end(moment(0))


def test_the_bundled_plugin_names_its_observer() -> None:
    (info,) = plugin.akid_observers()
    assert (info.name, info.category, info.requires) == ("tensorboard", "observer", ("akid-core[observe]",))
    assert info.target == f"{Tensorboard.__module__}:{Tensorboard.__name__}"


# --- progress -------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def practise(progress: Progress) -> None:
    progress.akid_practice_begin(moment(10, limit=30))
    progress.akid_span_end(moment(15))
    progress.akid_span_end(moment(20, {"train/loss": 0.123456, "learning_rate": 1e-3, "examples_per_second": 12345.6}))
    progress.akid_validate_end(moment(20, {"val/accuracy": 0.9876}))
    progress.akid_checkpoint_saved(moment(20, checkpoint=Path("run/checkpoints/step-20")))
    progress.akid_span_end(moment(30))
    progress.akid_practice_end(moment(30, {"test/accuracy": 0.5}))


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_lines_where_there_is_no_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, name, stream)
    practise(Progress(stream=name))
    assert stream.getvalue().splitlines() == [
        "epoch 1  step 10/30  resumed",
        "epoch 2  step 20  train/loss 0.1235  val/accuracy 0.9876  learning_rate 0.001  "
        "examples_per_second 12346  saved",
        "epoch 3  step 30  test/accuracy 0.5",
    ]


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    practise(Progress())
    first, *_, last = stream.getvalue().split("\r")
    assert first == ""
    assert last.endswith("\n")
    assert last.startswith("epoch 3 100%|")
    assert "30/30" in last
    assert last.rstrip().endswith("train loss 0.123  val accuracy 0.988")


def test_a_bar_without_a_known_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress()
    progress.akid_practice_begin(moment(0))
    progress.akid_span_end(moment(7))
    progress.akid_practice_error(moment(7, error=ValueError("nan")))
    assert "epoch 0: 7step [" in stream.getvalue()
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_an_error_before_the_beginning_prints_nothing(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    Progress().akid_practice_error(moment(0, error=ValueError("nan")))
    assert stream.getvalue() == ""


def test_one_observer_in_two_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress()
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        practise(progress)
        assert ("100%" in stream.getvalue()) is stream.isatty()


# --- TensorBoard ----------------------------------------------------------------------------------------------------


def scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's own reader makes of the event files."""
    accumulator = EventAccumulator(str(directory / observe.FOLDER)).Reload()
    return {
        tag: [(point.step, point.value) for point in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


@dataclass
class Session:
    """A run of the observer from a step on, as the practice loop calls it."""

    directory: Path
    start: int

    def __enter__(self) -> Tensorboard:
        self.observer = Tensorboard()
        self.observer.akid_practice_begin(moment(self.start, run_dir=self.directory))
        return self.observer

    def __exit__(self, *_: object) -> None:
        self.observer.akid_practice_error(moment(self.start))


def log(observer: Tensorboard, step: int) -> None:
    """Figures that floats of 32 bits hold exactly."""
    observer.akid_span_end(moment(step, {"train/loss": 1 / 2**step, "learning_rate": 0.5}))


def test_figures_are_read_back(tmp_path: Path) -> None:
    observer = Tensorboard()
    observer.akid_practice_begin(moment(0, run_dir=tmp_path))
    observer.akid_span_end(moment(1))
    log(observer, 2)
    observer.akid_validate_end(moment(2, {"val/accuracy": 0.25}))
    log(observer, 4)
    observer.akid_practice_end(moment(4, {"test/accuracy": 0.75}))
    assert scalars(tmp_path) == {
        "train/loss": [(2, 0.25), (4, 0.0625)],
        "learning_rate": [(2, 0.5), (4, 0.5)],
        "val/accuracy": [(2, 0.25)],
        "test/accuracy": [(4, 0.75)],
    }


def test_a_resume_drops_what_lay_behind_the_checkpoint(tmp_path: Path) -> None:
    with Session(tmp_path, 0) as observer:
        for step in (2, 4, 6, 8):
            observer.akid_span_end(moment(step, {"train/loss": 100.0 + step}))
    with Session(tmp_path, 5) as observer:
        for step in (6, 8, 10):
            observer.akid_span_end(moment(step, {"train/loss": 200.0 + step}))
    assert scalars(tmp_path) == {"train/loss": [(2, 102.0), (4, 104.0), (6, 206.0), (8, 208.0), (10, 210.0)]}


def test_a_resume_keeps_the_points_at_the_checkpoint(tmp_path: Path) -> None:
    with Session(tmp_path, 0) as observer:
        log(observer, 4)
        log(observer, 5)
    with Session(tmp_path, 4) as observer:
        log(observer, 5)
    assert [step for step, _ in scalars(tmp_path)["train/loss"]] == [4, 5]


def test_many_restarts_from_the_beginning(tmp_path: Path) -> None:
    for _ in range(12):
        with Session(tmp_path, 0) as observer:
            log(observer, 1)
    assert [step for step, _ in scalars(tmp_path)["train/loss"]] == [1]


def test_a_finished_run_that_is_resumed_repeats_nothing(tmp_path: Path) -> None:
    for _ in range(3):
        with Session(tmp_path, 0 if not list(tmp_path.iterdir()) else 4) as observer:
            observer.akid_practice_end(moment(4, {"test/accuracy": 0.75}))
    assert scalars(tmp_path) == {"test/accuracy": [(4, 0.75)]}


def test_figures_that_a_kill_prevented_are_written_after_it(tmp_path: Path) -> None:
    with Session(tmp_path, 0) as observer:
        log(observer, 4)
    with Session(tmp_path, 4) as observer:
        observer.akid_practice_end(moment(4, {"test/accuracy": 0.75}))
    assert scalars(tmp_path)["test/accuracy"] == [(4, 0.75)]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_record_costs_itself_alone(tmp_path: Path, cut: int) -> None:
    with Session(tmp_path, 0) as observer:
        log(observer, 1)
        log(observer, 2)
    (first,) = (tmp_path / observe.FOLDER).iterdir()
    first.write_bytes(first.read_bytes()[:-cut])
    with Session(tmp_path, 1) as observer:
        log(observer, 3)
    assert [step for step, _ in scalars(tmp_path)["train/loss"]] == [1, 3]


def test_a_sigkill_loses_no_point(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        observer = Tensorboard()
        observer.akid_practice_begin(moment(0, run_dir=tmp_path))
        for step in range(1, 8):
            log(observer, step)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert [step for step, _ in scalars(tmp_path)["train/loss"]] == [1, 2, 3, 4, 5, 6, 7]


def test_without_a_run_directory() -> None:
    with pytest.raises(ConfigurationError, match="this run has none"):
        Tensorboard().akid_practice_begin(moment(0))


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("not a directory")
    with pytest.raises(AkidError, match=r"could not be written to .*file"):
        Tensorboard().akid_practice_begin(moment(0, run_dir=place))


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(writer: object, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Session(tmp_path, 0) as observer:
        monkeypatch.setattr(observe.RecordWriter, "write", full)
        with pytest.raises(AkidError, match="No space left on device"):
            log(observer, 1)


def loaded(code: str) -> Iterator[str]:
    """The modules that are loaded after running the code in a fresh interpreter."""
    code += "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return iter(json.loads(done.stdout.splitlines()[-1]))


def test_writing_imports_no_framework(tmp_path: Path) -> None:
    modules = set(
        loaded(f"""
from pathlib import Path
from akid_core.bundled.observe.tensorboard import Tensorboard
from akid_core.observers.moment import Moment
observer = Tensorboard()
observer.akid_practice_begin(Moment(kid=None, run_dir=Path({str(tmp_path)!r}), step=0, epoch=0))
observer.akid_span_end(Moment(kid=None, run_dir=None, step=1, epoch=0, values={{"train/loss": 0.5}}))
observer.akid_practice_end(Moment(kid=None, run_dir=None, step=1, epoch=0))
""")
    )
    assert scalars(tmp_path) == {"train/loss": [(1, 0.5)]}
    assert "tensorboard" in modules
    assert not modules & {"tensorflow", "keras", "torch", "matplotlib", "pandas"}


def test_the_plugin_module_is_light() -> None:
    heavy = {"tensorboard", "google", "numpy", "tqdm"}
    assert not heavy & set(loaded("import akid_core.bundled.observe.plugin"))
