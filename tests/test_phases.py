"""Phases: several optimizers in one step, each with its parameters, losses and turn; and weights of losses over time.

Expected numbers are worked out by hand for two numbers a and b, of which the losses are parabolas.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.config import encode_settings
from akid_core.config.components import decode_value
from akid_core.errors import AkidWarning, ConfigurationError, DuplicateNameError, UnknownNameError, UsageError
from akid_core.initializers import Constant
from akid_core.optimizers.regime import Regime
from akid_core.plugins import default_manager


@dataclass(frozen=True, kw_only=True)
class Number(akid.Layer):
    """One learnt number for all rows, which begins at `start`."""

    start: float

    def outputs(self, x: akid.TensorSpec) -> akid.TensorSpec:
        return x

    def params(self, x: akid.TensorSpec) -> tuple[akid.ParamSpec, ...]:
        return (akid.ParamSpec(name="value", shape=(1,), init=Constant(value=self.start)),)

    def forward(self, context: Any, x: Any) -> Any:
        return x * 0.0 + context.params["value"]


def brain() -> akid.Brain:
    """Losses: `first` = (a - 1)^2 and `second` = (a + b)^2, with a = 0 and b = 2 at the start."""
    made = akid.Brain.graph(
        Number(name="a", start=0.0).on("x"), Number(name="b", start=2.0).on("x"), L.Add(name="sum").on("a", "b"),
        inputs="x", outputs="sum",
    )  # fmt: skip
    made = made.with_loss(L.MeanSquaredError(name="first"), "a", "one")
    return made.with_loss(L.MeanSquaredError(name="second"), "sum", "zero")


def kid(*phases: akid.Phase, steps: int = 1, **practice: Any) -> akid.Kid:
    rows = np.ones((4, 1), np.float32)
    sensors = akid.sensors(train={"x": rows, "one": rows, "zero": rows * 0}, batch_size=4)
    settings = akid.Practice(steps=steps, **practice)
    return akid.Kid(brain=brain(), sensors=sensors, optimizer=phases, practice=settings, backend="numpy")


def values(learner: akid.Kid) -> tuple[float, float]:
    return learner.network["a/value"].item(), learner.network["b/value"].item()


def phase(params: str, *losses: str, rate: float = 0.1, **settings: Any) -> akid.Phase:
    return akid.Phase(optimizer=akid.SGD(learning_rate=rate), params=(f"{params}/*",), losses=losses, **settings)


def test_each_phase_moves_its_own_for_its_own_losses() -> None:
    """d first / da = -2, so a = 0.2; then d second / db = 2 (0.2 + 2) = 4.4, so b = 2 - 0.44."""
    learner = kid(phase("a", "first"), phase("b", "second"))
    learner.practice()
    assert values(learner) == pytest.approx((0.2, 1.56))


def test_phases_of_one_pass_see_what_was_before_all() -> None:
    """Now d second / db = 2 (0 + 2) = 4."""
    learner = kid(phase("a", "first"), phase("b", "second", fresh=False))
    learner.practice()
    assert values(learner) == pytest.approx((0.2, 1.6))


def test_without_losses_a_phase_minimises_all() -> None:
    """d (first + second) / da = -2 + 4 = 2."""
    learner = kid(phase("a"), phase("b", fresh=False))
    learner.practice()
    assert values(learner) == pytest.approx((-0.2, 1.6))


def test_phases_take_turns() -> None:
    learner = kid(phase("a", "first", every=2), phase("b", "second", every=3, offset=1), steps=6)
    seen: list[tuple[float, float]] = []
    for step in range(1, 7):
        learner.practice(max_steps=step)
        seen.append(values(learner))
    moved = [now != before for now, before in zip(seen, [(0.0, 2.0), *seen], strict=False)]
    assert moved == [True, True, True, False, True, False]  # a in 0, 2 and 4; b in 1 and 4


def test_updates_are_counted_by_phase() -> None:
    """The first update of Adam moves by the learning rate, whenever it comes."""
    adam = akid.Phase(optimizer=akid.Adam(learning_rate=0.1), params=("b/*",), losses=("second",), every=4, offset=3)
    learner = kid(phase("a", "first", rate=0.0), adam, steps=4)
    learner.practice()
    assert values(learner)[1] == pytest.approx(1.9, abs=1e-6)


def test_figures_are_those_of_the_first_pass() -> None:
    learner = kid(phase("a", "first"), phase("b", "second"))
    figures = learner.practice().train
    assert figures == pytest.approx({"loss": 5.0, "first": 1.0, "second": 4.0})


def test_a_step_in_which_nobody_moves_is_measured() -> None:
    learner = kid(phase("a", every=2, offset=1), phase("b", every=2, offset=1))
    assert learner.practice().train["loss"] == pytest.approx(5.0)
    assert values(learner) == (0.0, 2.0)


# -- weights of losses over time


def test_a_weight_that_is_halved_each_epoch() -> None:
    """One step an epoch: second counts 1, then 0.5, so b falls by 0.1 * 4 and then by 0.1 * 0.5 * 2 * 1.6."""
    schedule = akid.schedules.Exponential(initial=1.0, factor=0.5)
    learner = kid(phase("a", rate=0.0), phase("b"), steps=2, loss_weights={"second": schedule})
    figures = learner.practice().train
    assert values(learner)[1] == pytest.approx(1.6 - 0.16)
    assert figures["loss"] == pytest.approx(1.0 + 0.5 * 1.6**2)
    assert figures["second"] == pytest.approx(1.6**2)


def test_validation_weighs_losses_as_the_brain_says() -> None:
    learner = kid(phase("a", rate=0.0), phase("b", rate=0.0), loss_weights={"second": 0.5})
    assert learner.practice().train["loss"] == pytest.approx(1.0 + 0.5 * 4.0)
    assert learner.validate("train")["loss"] == pytest.approx(5.0)


def test_a_weight_of_nothing_with_one_optimizer() -> None:
    learner = kid(akid.Phase(optimizer=akid.SGD(learning_rate=0.1)), loss_weights={"second": 0})
    learner.practice()
    assert values(learner) == pytest.approx((0.2, 2.0))


# -- settings


def test_phases_in_yaml() -> None:
    registry = default_manager().registry
    data = [
        {"name": "slow", "optimizer": {"sgd": {"learning_rate": 0.1}}, "params": ["a/*"], "every": 2},
        {"fresh": False},
    ]
    read = decode_value(akid.Optimizer | tuple[akid.Phase, ...], data, registry)
    slow = akid.Phase(name="slow", optimizer=akid.SGD(learning_rate=0.1), params=("a/*",), every=2)
    assert read == (slow, akid.Phase(fresh=False))


def test_settings_with_phases_round_trip() -> None:
    registry = default_manager().registry
    config = kid(phase("a", "first", name="one"), phase("b", "second"), loss_weights={"first": 0.5}).config
    one, two = (encode_settings(each, registry) for each in config.optimizer)  # type: ignore[union-attr]
    assert one == {
        "name": "one", "optimizer": {"sgd": {"learning_rate": 0.1}}, "params": ["a/*"], "losses": ["first"]
    }  # fmt: skip
    assert decode_value(akid.Optimizer | tuple[akid.Phase, ...], [one, two], registry) == config.optimizer
    practice = encode_settings(config.practice, registry)
    assert practice == {"steps": 1, "loss_weights": {"first": 0.5}}
    assert decode_value(akid.Practice, practice, registry) == config.practice


def test_names_of_phases() -> None:
    assert Regime.of([akid.Phase(), akid.Phase(name="critic"), akid.Phase()]).names == ["adam", "critic", "adam_2"]


@pytest.mark.parametrize(
    ("phases", "error", "message"),
    [
        (
            [phase("a"), phase("*")],
            ConfigurationError,
            "The parameter 'a/value' would be moved by two phases, 'sgd' and",
        ),
        ([phase("a", "first"), phase("b", "first")], ConfigurationError, "The loss 'second' is minimised by no phase"),
        ([phase("a"), phase("c")], UnknownNameError, r"'sgd_2' has 'c/\*' in its params, which matches no parameter"),
        ([phase("a", "frist"), phase("b")], UnknownNameError, "Did you mean 'first'"),
        ([phase("a", name="one"), phase("b", name="one")], DuplicateNameError, "Two phases are called 'one'"),
    ],
)
def test_phases_that_contradict_each_other(phases: list[akid.Phase], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        kid(*phases).practice()


def test_what_nobody_trains_is_told_of() -> None:
    with pytest.warns(AkidWarning, match="No phase trains b/value: what is meant to stay as it is"):
        kid(phase("a")).practice()
    alone = akid.Brain.graph(
        Number(name="a", start=0.0).on("x"), Number(name="b", start=2.0).on("x"), inputs="x", outputs="a"
    ).with_loss(L.MeanSquaredError(), "a", "one")
    learner = akid.Kid(brain=alone, sensors=kid(akid.Phase()).config.sensors, backend="numpy")
    with pytest.warns(AkidWarning, match="No loss depends on b/value"):
        learner.practice()


def test_a_phase_whose_losses_do_not_see_its_parameters() -> None:
    with pytest.warns(AkidWarning, match="No loss of the phase 'sgd_2' depends on b/value"):
        kid(phase("a", "second"), phase("b", "first")).practice()


def test_no_phases_at_all() -> None:
    with pytest.raises(ConfigurationError, match="optimizer: lists no phase"):
        kid()


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"thrid": 1.0}, UnknownNameError, "practice.loss_weights has 'thrid', which is no loss"),
        ({"first": -1.0}, ConfigurationError, "practice.loss_weights.first must be a number of at least 0, got -1.0"),
        ({"first": akid.schedules.Plateau(initial=1.0)}, ConfigurationError, "plateau watches validation"),
    ],
)
def test_weights_that_are_wrong(weights: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        kid(phase("a"), phase("b"), loss_weights=weights).practice()


@pytest.mark.parametrize(
    ("settings", "message"), [({"every": 0}, "at least 1"), ({"every": 2, "offset": 2}, "from 0 on")]
)
def test_turns_that_are_wrong(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        akid.Phase(**settings)


def test_the_finder_wants_one_optimizer() -> None:
    with pytest.raises(UsageError, match="knows one optimizer"):
        kid(phase("a"), phase("b")).find_learning_rate()


# -- resuming


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_a_run_with_phases_is_resumed_to_the_bit(stop: int, tmp_path: Path) -> None:
    def learner() -> akid.Kid:
        adam = akid.Adam(learning_rate=akid.schedules.Cosine(initial=0.1), average=0.9)
        phases = (
            akid.Phase(optimizer=adam, params=("a/*",), losses=("first",), every=2),
            akid.Phase(optimizer=akid.SGD(learning_rate=0.05, momentum=0.9), params=("b/*",), losses=("second",)),
        )
        weight = akid.schedules.Exponential(initial=1.0, factor=0.9)
        return kid(*phases, steps=6, checkpoint_every=1, loss_weights={"first": weight})

    whole = learner()
    result = whole.practice()
    learner().practice(run_dir=tmp_path, max_steps=stop)
    resumed = learner()
    assert resumed.practice(run_dir=tmp_path, resume=True).train == result.train
    assert values(resumed) == values(whole)


def test_running_means_follow_their_own_phase(tmp_path: Path) -> None:
    """a moves in steps 0 and 2 alone; its mean over two updates with share 0.5 is (0.25 v1 + 0.5 v2) / 0.75."""
    averaging = akid.Phase(
        optimizer=akid.SGD(learning_rate=0.1, average=0.5), params=("a/*",), losses=("first",), every=2
    )
    learner = kid(averaging, phase("b", "second", rate=0.0), steps=3)
    learner.practice(run_dir=tmp_path)
    first, second = 0.2, 0.2 + 0.1 * 2 * 0.8
    with learner.averaged():
        assert values(learner) == pytest.approx(((0.25 * first + 0.5 * second) / 0.75, 2.0))
    assert values(learner) == pytest.approx((second, 2.0))


def test_the_schedule_that_an_older_version_wrote_is_read() -> None:
    learner = kid(phase("a"), phase("b"))
    older = learner.state.to_json()
    del older["schedules"]
    learner.state.restore({**older, "schedule": {"scale": 0.25}})
    assert learner.state.schedules_at(0) == [{"scale": 0.25}]
