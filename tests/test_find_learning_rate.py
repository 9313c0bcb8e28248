"""The learning rate finder: what it sees, what it suggests, and that nothing of it stays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.errors import UsageError
from akid_core.training.finder import LearningRates

X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5, 1.0]) > 0).astype(np.int64)


def kid(**settings: Any) -> akid.Kid:
    brain = akid.Brain.sequential(
        L.Dense(units=8, name="hidden"), L.BatchNorm(name="norm"), L.Tanh(), L.Dense(units=2, name="logits"),
        inputs="x", outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")  # fmt: skip
    defaults: dict[str, Any] = {
        "brain": brain,
        "sensors": akid.sensors(train=(X, Y), fields=("x", "label"), batch_size=16),
        "optimizer": akid.SGD(momentum=0.9),
        "practice": akid.Practice(epochs=4),
        "backend": "numpy",
    }
    return akid.Kid(**{**defaults, **settings})


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    rates = np.geomspace(1e-4, 1.0, 9)
    losses = np.array([5.0, 5.0, 4.9, 4.5, 3.0, 2.5, 2.4, 2.6, 9.0])
    # The slopes by the logarithm, from the neighbours on both sides, are steepest at 1e-2: (2.5 - 4.5).
    assert LearningRates(rates=rates, losses=losses, smoothed=losses).suggestion == pytest.approx(1e-2)
    rising = LearningRates(rates=rates, losses=losses, smoothed=np.arange(9.0))
    assert rising.suggestion is None
    assert LearningRates(rates=rates[:2], losses=losses[:2], smoothed=losses[:2]).suggestion is None


def test_it_finds_a_rate_that_works() -> None:
    one = kid()
    found = one.find_learning_rate(lowest=1e-5, highest=10.0, steps=60)
    assert found.suggestion is not None
    assert 1e-3 < found.suggestion < 3
    np.testing.assert_allclose(found.rates, np.geomspace(1e-5, 10.0, 60)[: len(found.rates)])
    assert len(found.rates) == len(found.losses) == len(found.smoothed)
    learned = kid(optimizer=akid.SGD(learning_rate=found.suggestion / 2, momentum=0.9)).practice().train["loss"]
    assert learned < found.losses[0] * 0.8


@pytest.mark.parametrize("before", [0, 5])
def test_the_kid_is_as_it_was(before: int) -> None:
    one, other = kid(), kid()
    for each in (one, other):
        each.practice(max_steps=before)
    params, slots = one.strategy.gather()
    one.find_learning_rate(steps=20)
    after = one.strategy.gather()
    for was, now in zip((params, slots), after, strict=True):
        assert all(np.array_equal(was[name], now[name]) for name in was)
    assert (one.state.step, one.state.train) == (before, other.state.train)
    assert one.practice().train == other.practice().train
    assert np.array_equal(one.network["hidden/weight"], other.network["hidden/weight"])


def test_it_ends_where_the_loss_runs_away_or_is_no_number() -> None:
    brain = akid.Brain.sequential(L.Dense(units=1, name="line"), inputs="x", outputs="line")
    brain = brain.with_loss(L.MeanSquaredError(), "line", "y")
    data = akid.sensors(train={"x": X, "y": X @ np.ones((4, 1), np.float32)}, batch_size=16)
    one = kid(brain=brain, sensors=data, optimizer=akid.SGD())
    found = one.find_learning_rate(lowest=1e-3, highest=1e6, steps=100)
    assert 3 < len(found.rates) < 100
    assert found.rates[-1] < 1e3
    assert np.isfinite(found.losses).all()
    assert np.isfinite(one.network["line/weight"]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lowest": 0.0}, "rise from lowest, above 0, to highest; got lowest=0.0, highest=1.0"),
        ({"lowest": 1.0, "highest": 0.1}, "rise from lowest, above 0, to highest; got lowest=1.0"),
        ({"highest": math.inf}, "got lowest=1e-07, highest=inf"),
        ({"steps": 2}, "To see a slope takes at least 3 steps, got steps=2"),
    ],
)
def test_wrong_use(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kid().find_learning_rate(**settings)  # type: ignore[arg-type]


def test_on_the_command_line(toy: Any) -> None:
    said = toy.akid("find-rate", toy.yaml, "--highest", "10", "--steps", "50")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].split() == ["rate", "loss", "smoothed"]
    assert 10 < len(lines) <= 22
    assert lines[-1].startswith("The loss falls fastest at ")
    assert "--set optimizer.learning_rate=" in lines[-1]
    found = toy.akid("find-rate", toy.yaml, "--highest", "10", "--steps", "50", "--json").json
    assert len(found["rate"]) == len(found["loss"]) == len(found["smoothed"])
    assert f"{found['suggestion']:.2g}" in lines[-1]
    assert sorted(path.name for path in toy.folder.iterdir()) == ["toy.yaml", "toy_parts.py"]
    wrong = toy.akid("find-rate", toy.yaml, "--steps", "1")
    assert wrong.code == 2
