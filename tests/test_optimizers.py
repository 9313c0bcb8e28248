"""Optimizers, by numbers worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Optimizer, Regularizer, RMSprop
from akid_core.optimizers.regularizer import limited, pulled
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


def test_rmsprop_by_hand() -> None:
    # Squares: 0.75 * 0 + 0.25 * 4 = 1, then 0.75 * 1 + 0.25 * 16 = 4.75.
    optimizer = RMSprop(alpha=0.75, epsilon=1.0)
    expected = [-2 / (1 + 1), -1 - 4 / (math.sqrt(4.75) + 1)]
    np.testing.assert_allclose(walk(optimizer, [2, 4], [1, 1]), expected, rtol=1e-14)
    assert (optimizer.slots, RMSprop().alpha, RMSprop().epsilon) == (("square",), 0.99, 1e-8)


def test_rmsprop_centered_takes_the_square_of_the_mean_off() -> None:
    # Means: 0.25 * 2 = 0.5, then 0.375 + 1 = 1.375; variances 1 - 0.25 = 0.75, then 4.75 - 1.890625.
    optimizer = RMSprop(alpha=0.75, epsilon=1.0, centered=True)
    first = -2 / (math.sqrt(0.75) + 1)
    expected = [first, first - 4 / (math.sqrt(4.75 - 1.890625) + 1)]
    np.testing.assert_allclose(walk(optimizer, [2, 4], [1, 1]), expected, rtol=1e-14)
    assert optimizer.slots == ("square", "mean")
    # After many equal gradients the variance is 0 but for rounding, which must not make the root no number.
    assert np.isfinite(walk(RMSprop(alpha=0.1, centered=True), [0.3] * 60, [1e-9] * 60)).all()


def test_rmsprop_with_momentum_keeps_the_learning_rate_outside_the_velocity() -> None:
    optimizer = RMSprop(alpha=0.75, epsilon=1.0, momentum=0.5)
    steps = [1.0, 0.5 + 4 / (math.sqrt(4.75) + 1)]
    expected = [-0.1 * steps[0], -0.1 * steps[0] - 0.01 * steps[1]]
    np.testing.assert_allclose(walk(optimizer, [2, 4], [0.1, 0.01]), expected, rtol=1e-14)
    assert RMSprop(momentum=0.5, centered=True).slots == ("square", "mean", "velocity")


def test_adagrad_by_hand() -> None:
    # Sums of squares 9 and 25; nothing happens where the gradient has always been 0.
    np.testing.assert_allclose(walk(Adagrad(epsilon=1.0), [3, 4], [1, 1]), [-0.75, -0.75 - 4 / 6], rtol=1e-14)
    np.testing.assert_allclose(walk(Adagrad(), [3, 4], [1, 1]), [-1, -1.8], rtol=1e-9)
    assert walk(Adagrad(), [0.0], [0.1]) == [0.0]


def test_lion_by_hand() -> None:
    # Means 0, 0.5, -0.75, -0.5; what the sign is taken of: 1, -2, -0.25 (against the gradient), 0.
    found = walk(Lion(beta1=0.5, beta2=0.75), [2.0, -4.5, 0.25, 0.5], [0.1, 0.1, 0.2, 0.2])
    np.testing.assert_allclose(found, [-0.1, 0.0, 0.2, 0.2], rtol=1e-14, atol=1e-15)
    assert (Lion().beta1, Lion().beta2, Lion().slots) == (0.9, 0.99, ("mean",))


def test_penalties_pull_by_sign_and_size() -> None:
    value, gradient = Tensor(np.array([2.0, -4.0, 0.0])), Tensor(np.array([1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(pulled(NumpyOps(), value, gradient, 0.5, 0.0).data, [1.5, 0.5, 1.0])
    np.testing.assert_array_equal(pulled(NumpyOps(), value, gradient, 0.0, 0.25).data, [1.5, 0.0, 1.0])
    np.testing.assert_array_equal(pulled(NumpyOps(), value, gradient, 0.5, 0.25).data, [2.0, -0.5, 1.0])


@pytest.mark.parametrize(
    ("axes", "value", "expected"),
    [
        ("IO", [[6, 0.5], [8, 0]], [[3, 0.5], [4, 0]]),
        ("OI", [[6, 8], [3, 0.5]], [[3, 4], [3, 0.5]]),
        ("", [[6, 0], [8, 0]], [[3, 0], [4, 0]]),
        ("O", [-10, 2, 0], [-5, 2, 0]),
    ],
)
def test_limits_act_by_unit(axes: str, value: list[float], expected: list[float]) -> None:
    limit = limited(NumpyOps(), Tensor(np.array(value, float)), axes, 5.0).data
    np.testing.assert_allclose(limit, np.array(expected, float), rtol=1e-14)


def test_regularizers_by_glob() -> None:
    optimizer = SGD(
        regularizers=(
            Regularizer(l1=0.1),
            Regularizer(params="conv*", l1=0.2, l2=0.3, max_norm=2.0),  # type: ignore[arg-type]
            Regularizer(params=("*/weight",), max_norm=1.0),
        ),
        average=0.9,
    )
    assert optimizer.pulls("conv1/weight") == (pytest.approx(0.3), 0.3)
    assert optimizer.pulls("conv1/bias") == (0.2, 0.3)
    assert optimizer.pulls("dense/weight") == (0.1, 0.0)
    assert (optimizer.limit("conv1/weight"), optimizer.limit("conv1/bias"), optimizer.limit("bias")) == (1.0, 2.0, None)
    assert (optimizer.slots, optimizer.every_slot) == ((), ("average",))


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
        (SGD, {"clip_value": -1.0}, "clip_value must be above 0, or left out"),
        (SGD, {"average": 1.0}, "average is the share of the running mean that stays, such as 0.999, got 1.0"),
        (RMSprop, {"alpha": 1.0}, "alpha is the share"),
        (RMSprop, {"momentum": -0.1}, "momentum is the share"),
        (RMSprop, {"epsilon": 0.0}, "epsilon must be above 0, such as 1e-08, got 0.0"),
        (Adagrad, {"epsilon": 0.0}, "epsilon must be above 0, such as 1e-10, got 0.0"),
        (Lion, {"beta2": 1.0}, "beta2 is the share"),
    ],
)
def test_settings_that_cannot_work(kind: type[Optimizer], settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**settings)  # type: ignore[arg-type]


def test_a_regularizer_that_does_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="does nothing as it is: give l1, l2 or max_norm"):
        Regularizer(params=("*",))
