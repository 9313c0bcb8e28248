"""A run that was stopped and goes on equals one that was not, to the bit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from akid_core.checkpoints import newest
from akid_core.errors import AkidWarning
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl
from akid_core.testing.kill import differences
from akid_core.training.kid import Kid

PLATEAU = "{plateau: {initial: 0.05, patience: 1, factor: 0.5}}"
BEST = "best: {metric: accuracy, mode: max, patience: 4}"


@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5, 8, 11])
def test_a_run_goes_on_from_any_step(stop: int, toy) -> None:
    assert toy.practice("whole").code == 0
    assert toy.practice("parts", "--max-steps", stop).code == 0
    assert toy.practice("parts", "--resume").code == 0
    assert differences(toy.folder / "whole", toy.folder / "parts") == []


@pytest.mark.parametrize(
    "change",
    [
        "optimizer.learning_rate={one_cycle: {maximum: 0.1}}",
        "optimizer.learning_rate={cosine: {initial: 0.1, warmup: 3}}",
        f"optimizer.learning_rate={PLATEAU}",
        "optimizer={sgd: {learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01, clip_norm: 1.0}}",
        "practice.best={metric: accuracy, mode: max, patience: 40}",
        "sensors.drop_last=true",
        "execution.bundle=3",
        "practice.validate_every=3",
        "seed=7",
    ],
)
def test_every_setting_goes_on(change: str, toy) -> None:
    settings = ["--set", "practice.epochs=4", "--set", change]
    whole = toy.practice("whole", *settings, "--json")
    for limit in (3, 7, 10):
        assert toy.practice("parts", *settings, "--resume", "--max-steps", limit).code == 0
    parts = toy.practice("parts", *settings, "--resume", "--json")
    assert differences(toy.folder / "whole", toy.folder / "parts") == []
    for split in ("train", "val", "test"):
        assert whole.json[split] == parts.json[split]


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_in_the_middle_of_an_epoch(name: str, code: int, toy) -> None:
    toy.practice("whole")
    stopped = toy.practice("parts", "--set", f"observers=[{{sender: {{step: 6, name: {name}}}}}]")
    assert stopped.code == code
    assert "Saved. Go on with: akid practice" in stopped.out
    assert newest(toy.folder / "parts/checkpoints").step == 6  # type: ignore[union-attr]
    assert toy.practice("parts", "--resume").code == 0
    assert differences(toy.folder / "whole", toy.folder / "parts") == []


def test_the_command_that_a_stopped_run_prints_goes_on_with_it(toy) -> None:
    toy.practice("whole", "--seed", 3)
    stopped = toy.practice("parts", "--seed", 3, "--set", "observers=[{sender: {step: 5}}]")
    command = stopped.out.partition("Go on with: akid ")[2].split("\n")[0].split()
    assert toy.akid(*command, "--set", "observers=[]").code == 0
    assert differences(toy.folder / "whole", toy.folder / "parts") == []


def test_early_stopping_counts_on(toy) -> None:
    # nothing improves by so much: the first validation stays the best, and five without a better one are enough
    settings = ["--set", "practice.best={minimum_change: 1000, patience: 5}", "--set", "practice.epochs=20"]
    whole = toy.practice("whole", *settings, "--json").json
    assert (whole["status"], whole["epoch"]) == ("stopped_early", 6)
    assert toy.practice("parts", *settings, "--max-epochs", 3).code == 0
    parts = toy.practice("parts", *settings, "--resume", "--json").json
    assert (parts["status"], parts["epoch"]) == ("stopped_early", 6)
    assert differences(toy.folder / "whole", toy.folder / "parts") == []


def test_a_run_that_stopped_early_takes_no_further_step(toy) -> None:
    settings = ["--set", "practice.best={minimum_change: 1000, patience: 1}"]
    first = toy.practice("run", *settings, "--json").json
    again = toy.practice("run", *settings, "--resume", "--json").json
    assert (first["status"], first["step"]) == (again["status"], again["step"]) == ("stopped_early", 8)
    assert first["test"] == again["test"]


def test_the_best_checkpoint_stays_and_is_used(toy) -> None:
    settings = ["--set", "practice.best={minimum_change: 1000}", "--set", "practice.keep=1", "--max-epochs", "8"]
    result = toy.practice("run", *settings, "--json").json
    kept = sorted(path.name for path in (toy.folder / "run/checkpoints").iterdir())
    assert kept == ["step-32", "step-4"]
    validated = toy.akid("validate", toy.folder / "run", "--json")
    assert validated.json["step"] == 4
    assert validated.json["test"] == result["test"]
    last = toy.akid("validate", toy.folder / "run", "--newest", "--json").json
    assert (last["step"], last["val"]) == (32, result["val"])


def test_a_finished_run_is_only_measured_again(toy) -> None:
    first = toy.practice("run", "--json").json
    again = toy.practice("run", "--resume", "--json").json
    del first["seconds"], again["seconds"]
    assert first == again


def test_schedules_keep_the_planned_horizon(toy) -> None:
    settings = ["--set", "optimizer.learning_rate={cosine: {initial: 0.1}}"]
    toy.practice("whole", *settings, "--max-steps", 6)
    toy.practice("parts", *settings, "--max-steps", 3)
    # neither another number of epochs nor another limit moves the cosine
    toy.practice("parts", *settings, "--resume", "--max-steps", 6, "--set", "practice.epochs=50")
    assert differences(toy.folder / "whole", toy.folder / "parts") == []


def test_the_execution_is_taken_over_unless_another_one_is_asked_for(toy) -> None:
    def bundle(run_dir: str) -> int:
        found = newest(toy.folder / run_dir / "checkpoints")
        assert found is not None
        return int(found.state["plan"]["bundle"])

    toy.practice("run", "--max-steps", 4, "--set", "execution.bundle=2")
    toy.practice("run", "--resume", "--max-steps", 6, "--set", "execution.bundle=2")
    assert bundle("run") == 2
    toy.practice("run", "--resume", "--max-steps", 8, "--set", "execution.bundle=3")
    assert bundle("run") == 3
    toy.practice("run", "--resume", "--max-steps", 10)
    assert bundle("run") == 1


def test_other_versions_are_said(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.practice("run", "--max-steps", 4)
    monkeypatch.setattr("akid_core.bundled.numpy.backend.NumpyBackend.versions", lambda backend: {"numpy": "99.0"})
    resumed = toy.practice("run", "--resume", "--max-steps", 6)
    assert resumed.code == 0
    assert resumed.err.startswith("akid: The run goes on with other versions, so the last bits may differ ")
    assert f"numpy was {np.__version__} and is 99.0" in resumed.err
    assert toy.practice("run", "--resume").err == ""


def test_the_written_configuration_makes_the_same_run(toy) -> None:
    toy.practice("first", "--seed", 5, "--set", "optimizer.learning_rate=0.02")
    (toy.folder / "toy_parts.py").unlink()
    second = toy.folder / "second"
    assert toy.akid("practice", toy.folder / "first/config.yaml", "--run-dir", second).code == 0
    assert differences(toy.folder / "first", second) == []
    assert (second / "config.yaml").read_text() == (toy.folder / "first/config.yaml").read_text()


def test_a_kid_that_was_in_use_keeps_its_plan_and_says_so(toy, monkeypatch: pytest.MonkeyPatch) -> None:
    Kid.from_yaml(toy.yaml).practice(run_dir="run", max_steps=2)
    same = Kid.from_yaml(toy.yaml)
    assert same.network["hidden/weight"].shape == (2, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("error", AkidWarning)
        same.practice(run_dir="run", resume=True, max_steps=4)
    other = Kid.from_yaml(toy.yaml)
    settle = type(other.backend).plan
    monkeypatch.setattr(type(other.backend), "plan", lambda *asked: replace(settle(*asked), bundle=3))
    assert other.plan.bundle == 3
    with pytest.warns(AkidWarning, match=r"its own plan stays, .*: plan\.bundle was \d+ and is now 3\. Resume with"):
        other.practice(run_dir="run", resume=True, max_steps=5)
    assert other.plan.bundle == 3


# --- what observers remember ---


@dataclass(frozen=True, kw_only=True)
class Memory(Observer):
    """Remembers the steps at which it was called."""

    label: str = ""
    seen: list[int] = field(default_factory=list, init=False)
    at_begin: list[int] = field(default_factory=list, init=False)

    def next_look(self, step: int) -> int:
        return step + 1

    def state(self) -> list[int] | None:
        return self.seen or None

    def restore(self, data: list[int]) -> None:
        self.seen.extend(data)

    @hookimpl
    def akid_practice_begin(self, context: Moment) -> None:
        self.at_begin.extend(self.seen)

    @hookimpl
    def akid_span_end(self, context: Moment) -> None:
        self.seen.append(context.step)


def practised(toy, *observers: Observer, max_steps: int, resume: bool = False) -> None:
    kid = Kid.from_yaml(toy.yaml)
    kid.observers = observers
    kid.practice(run_dir="run", resume=resume, max_steps=max_steps)


def test_what_an_observer_remembers_goes_on(toy) -> None:
    practised(toy, Memory(), max_steps=5)
    stored = newest(toy.folder / "run/checkpoints").state["observers"]  # type: ignore[union-attr]
    assert stored == {"memory": [1, 2, 3, 4, 5]}
    resumed = Memory()
    practised(toy, resumed, max_steps=7, resume=True)
    assert resumed.at_begin == [1, 2, 3, 4, 5]
    assert resumed.seen == [1, 2, 3, 4, 5, 6, 7]


def test_observers_may_come_and_go_on_resume(toy) -> None:
    practised(toy, max_steps=3)
    first, second = Memory(), Memory(label="second")
    practised(toy, first, max_steps=5, resume=True)
    assert (first.at_begin, first.seen) == ([], [4, 5])
    practised(toy, first := Memory(), second, max_steps=6, resume=True)  # two of one component
    assert (first.seen, second.seen) == ([4, 5, 6], [6])
    practised(toy, first := Memory(), second := Memory(label="second"), max_steps=7, resume=True)
    assert (first.seen, second.seen) == ([4, 5, 6, 7], [6, 7])
    practised(toy, max_steps=8, resume=True)
