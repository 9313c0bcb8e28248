"""Optimizers, by numbers worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.optimizers import SGD, Adam, AdamW, Optimizer
from akid_core.schedules import Cosine


def walk(optimizer: Optimizer, gradients: Sequence[float], rates: Sequence[float], start: float = 0.0) -> list[float]:
    """The value of one number after each step, without decay and clipping (these are the backend's)."""
    value = Tensor(np.array([start]))
    slots = tuple(Tensor(np.zeros(1)) for _ in optimizer.slots)
    seen = []
    for count, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        numbers = optimizer.coefficients(rate, count)
        value, slots = optimizer.update(NumpyOps(), value, Tensor(np.array([float(gradient)])), slots, numbers)
        seen.append(float(value.data[0]))
    return seen


@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9)])
def test_first_step_of_the_loss_a_squared(optimizer: SGD) -> None:
    assert walk(optimizer, [2.0], [1.0], start=1.0) == [-1.0]


def test_plain_descent() -> None:
    assert walk(SGD(), [1.0, 2.0], [0.5, 0.25]) == [-0.5, -1.0]
    assert SGD().slots == ()


def test_momentum_adds_up() -> None:
    np.testing.assert_allclose(walk(SGD(momentum=0.9), [1, 1], [0.1, 0.1]), [-0.1, -0.29], rtol=1e-14)
    assert SGD(momentum=0.9).slots == ("velocity",)


def test_nesterov_looks_ahead() -> None:
    steps = walk(SGD(momentum=0.9, nesterov=True), [1, 1], [0.1, 0.1])
    np.testing.assert_allclose(steps, [-0.19, -0.461], rtol=1e-14)


def test_a_change_of_the_learning_rate_acts_on_the_whole_velocity_at_once() -> None:
    # Velocity 1.9 times the new rate; with the rate inside the velocity it would be -0.2.
    np.testing.assert_allclose(walk(SGD(momentum=0.9), [1, 1], [0.1, 0.01]), [-0.1, -0.119], rtol=1e-14)


def test_adam_by_hand() -> None:
    # Step 1: mean 1, square 1, corrected 2 and 4. Step 2: mean 2.5, square 4.75, corrected 10/3 and 76/7.
    optimizer = Adam(beta1=0.5, beta2=0.75, epsilon=1.0)
    first = -2 / (2 + 1)
    expected = [first, first - (10 / 3) / (math.sqrt(76 / 7) + 1)]
    np.testing.assert_allclose(walk(optimizer, [2, 4], [1, 1]), expected, rtol=1e-14)
    assert optimizer.slots == ("mean", "square")


def test_adam_adds_epsilon_outside_the_root_after_the_correction() -> None:
    np.testing.assert_allclose(walk(Adam(epsilon=0.5), [2.0], [0.1]), [-0.1 * 2 / 2.5], rtol=1e-13)
    assert walk(Adam(), [0.0], [0.1]) == [0.0]


@pytest.mark.parametrize(
    ("path", "decays"),
    [("conv1/weight", True), ("weight", True), ("conv1/bias", False), ("bn/scale", False), ("bn/shift", False)],
)
def test_decay_acts_on_weights_by_default(path: str, decays: bool) -> None:
    assert AdamW().decays(path) is decays
    assert not Adam().decays(path)


def test_decay_by_glob() -> None:
    optimizer = SGD(weight_decay=0.1, decay="encoder/*")  # type: ignore[arg-type]
    assert optimizer.decays("encoder/conv1/bias")
    assert not optimizer.decays("head/weight")
    assert optimizer == SGD(weight_decay=0.1, decay=("encoder/*",))


def test_names_and_defaults() -> None:
    assert [kind.component() for kind in (SGD, Adam, AdamW)] == ["sgd", "adam", "adamw"]
    assert (AdamW().weight_decay, Adam().weight_decay, Adam().learning_rate) == (0.01, 0.0, 1e-3)
    assert Adam(learning_rate=Cosine(initial=0.1)).learning_rate == Cosine(initial=0.1)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (SGD, {"learning_rate": -1.0}, "learning_rate must be a number of at least 0, or a schedule, got -1.0"),
        (SGD, {"learning_rate": "fast"}, "learning_rate must be a number of at least 0, or a schedule, got 'fast'"),
        (SGD, {"momentum": 1.0}, "momentum is the share"),
        (SGD, {"nesterov": True}, "nesterov needs a momentum above 0"),
        (Adam, {"beta1": 1.0}, "beta1 is the share"),
        (Adam, {"beta2": -0.1}, "beta2 is the share"),
        (Adam, {"epsilon": 0.0}, "epsilon must be above 0"),
        (AdamW, {"weight_decay": -0.1}, "weight_decay must be at least 0"),
        (SGD, {"clip_norm": 0.0}, "clip_norm must be above 0, or left out"),
    ],
)
def test_settings_that_cannot_work(kind: type[Optimizer], settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**settings)  # type: ignore[arg-type]
