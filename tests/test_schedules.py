"""Schedules, by numbers worked out by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from akid_core.errors import ConfigurationError
from akid_core.schedules import Constant, Cosine, Exponential, Horizon, OneCycle, Plateau, Schedule, StepDecay

RUN = Horizon(steps=100, epoch=10)


def rates(schedule: Schedule, *steps: int, horizon: Horizon = RUN) -> Any:
    """The learning rates of some steps, to be compared with numbers."""
    return pytest.approx([schedule.at(step, horizon, schedule.start()) for step in steps], rel=1e-12)


def test_constant_with_warm_up() -> None:
    assert rates(Constant(initial=0.1, warmup=4), 0, 1, 2, 3, 4) == [0.025, 0.05, 0.075, 0.1, 0.1]


def test_step_decay() -> None:
    assert rates(StepDecay(initial=1.0, every=3), 0, 29, 30, 59, 60) == [1, 1, 0.1, 0.1, 0.01]
    assert rates(StepDecay(initial=8.0, factor=0.5, milestones=(2, 5)), 0, 19, 20, 49, 50) == [8, 8, 4, 4, 2]


def test_exponential_falls_from_step_to_step() -> None:
    assert rates(Exponential(initial=1.0, factor=0.25), 0, 5, 10, 20) == [1, 0.5, 0.25, 0.0625]


def test_cosine() -> None:
    quarter = 0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2
    assert [1, quarter, 0.6, 0.2, 0.2] == rates(Cosine(initial=1.0, minimum=0.2), 0, 25, 50, 100, 150)


def test_cosine_of_a_run_that_goes_on_behind_its_planned_end() -> None:
    schedule = Cosine(initial=0.4, minimum=0.1)
    assert schedule.at(150, Horizon(100, 10), {}) == pytest.approx(0.1)
    assert schedule.at(0, Horizon(0, 10), {}) == pytest.approx(0.1)


def test_warm_up_combines_with_any_schedule() -> None:
    plain, warm = Cosine(initial=1.0), Cosine(initial=1.0, warmup=10)
    assert [plain.at(4, RUN, {}) / 2, plain.at(9, RUN, {}), plain.at(50, RUN, {})] == rates(warm, 4, 9, 50)


def test_one_cycle() -> None:
    cycle = OneCycle(maximum=2.0, rise=0.4, first=0.04, last=0.2)
    # Ten steps: the peak at step 0.4 * 10 - 1 = 3, the end at step 9, so step 6 is half-way down.
    assert rates(cycle, 0, 3, 6, 9, 12, horizon=Horizon(steps=10, epoch=5)) == [0.08, 2, 1.2, 0.4, 0.4]
    middle = OneCycle(maximum=1.0, rise=0.5, first=0.04)
    assert rates(middle, 0, 2, 4, 9, horizon=Horizon(steps=10, epoch=5)) == [0.04, 0.52, 1, 4e-6]


@pytest.mark.parametrize("rise", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_one_cycle_of_a_short_run_reaches_its_maximum_at_most(rise: float, steps: int) -> None:
    schedule = OneCycle(maximum=1.0, rise=rise)
    seen = [schedule.at(step, Horizon(steps=steps, epoch=1), {}) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in seen)


def follow(schedule: Plateau, values: list[float]) -> list[float]:
    """The learning rate after each validation; the state passes through JSON on its way."""
    state, seen = schedule.start(), []
    for value in values:
        before = json.dumps(state)
        after = schedule.observe(state, {schedule.metric: value})
        assert json.dumps(state) == before, "a schedule leaves the state that it is given alone"
        state = json.loads(json.dumps(after))
        seen.append(schedule.at(7, RUN, state))
    return seen


def test_plateau_falls_after_patience_validations_without_a_new_best() -> None:
    schedule = Plateau(initial=8.0, factor=0.5, patience=2)
    assert follow(schedule, [1.0, 1.0, 1.0, 1.0, 0.9, 1.0, 0.95, 2.0]) == [8, 8, 4, 4, 4, 4, 2, 2]


def test_plateau_of_a_value_that_should_grow() -> None:
    schedule = Plateau(initial=8.0, factor=0.5, patience=1, metric="accuracy", mode="max")
    assert follow(schedule, [0.1, 0.2, 0.2, 0.1, 0.3]) == [8, 8, 4, 2, 2]


def test_plateau_never_falls_below_its_minimum() -> None:
    schedule = Plateau(initial=8.0, factor=0.5, patience=1, minimum=3.0)
    assert follow(schedule, [1.0, 1.0, 1.0, 1.0]) == [8, 4, 3, 3]


def test_what_is_not_a_number_is_no_improvement() -> None:
    schedule = Plateau(initial=8.0, factor=0.5, patience=2)
    assert follow(schedule, [math.nan, math.nan, 1.0]) == [8, 4, 4]


def test_plateau_names_the_metrics_that_there_are() -> None:
    schedule = Plateau(initial=1.0, metric="acuracy")
    with pytest.raises(ConfigurationError, match=r"gives accuracy, loss: .* Did you mean 'accuracy'\?"):
        schedule.observe(schedule.start(), {"loss": 1.0, "accuracy": 0.5})


def test_only_plateau_has_a_state() -> None:
    for schedule in (Constant(initial=1.0), Cosine(initial=1.0), OneCycle(maximum=1.0)):
        assert schedule.start() == {}
        assert schedule.observe({}, {"loss": 1.0}) == {}


def test_names() -> None:
    kinds = (Constant, StepDecay, Exponential, Cosine, OneCycle, Plateau)
    names = ["constant", "step_decay", "exponential", "cosine", "one_cycle", "plateau"]
    assert [kind.component() for kind in kinds] == names


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Constant, {"initial": 0.0}, "initial is a learning rate and must be above 0"),
        (Constant, {"initial": 1.0, "warmup": -1}, "warmup is a number of steps"),
        (StepDecay, {"initial": 1.0}, "give either every .* or milestones"),
        (StepDecay, {"initial": 1.0, "every": 1, "milestones": (1,)}, "give either every"),
        (StepDecay, {"initial": 1.0, "every": 0}, "every is a number of epochs of at least 1"),
        (StepDecay, {"initial": 1.0, "milestones": (5, 2)}, "milestones are epochs that rise"),
        (Exponential, {"initial": 1.0, "factor": 1.5}, "factor multiplies .* between 0 and 1"),
        (Cosine, {"initial": 1.0, "minimum": 2.0}, r"minimum must lie between 0 and initial \(1.0\)"),
        (OneCycle, {"maximum": 1.0, "rise": 1.5}, "rise is a share"),
        (Plateau, {"initial": 1.0, "mode": "lowest"}, "mode must be 'min' or 'max', got 'lowest'"),
        (Plateau, {"initial": 1.0, "patience": 0}, "patience is a number of validations of at least 1"),
    ],
)
def test_settings_that_cannot_work(kind: type[Schedule], settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**settings)  # type: ignore[arg-type]
