"""Optimizers and schedules against PyTorch's own, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Optimizer, RMSprop
from akid_core.schedules import Cosine, Exponential, Horizon, OneCycle, Schedule, StepDecay

torch = pytest.importorskip("torch")

STEPS, SHAPE = 50, (4, 3)
RATES = np.where(np.arange(STEPS) < 20, 0.05, 0.005) * (1 + np.arange(STEPS) / 100)
START, GRADIENTS = np.random.default_rng(1).normal(size=SHAPE), np.random.default_rng(2).normal(size=(STEPS, *SHAPE))

OPTIMIZERS: list[tuple[Optimizer, Callable[[Any], Any]]] = [
    (SGD(), lambda p: torch.optim.SGD([p], lr=1)),
    (SGD(momentum=0.9), lambda p: torch.optim.SGD([p], lr=1, momentum=0.9)),
    (SGD(momentum=0.8, nesterov=True), lambda p: torch.optim.SGD([p], lr=1, momentum=0.8, nesterov=True)),
    (Adam(), lambda p: torch.optim.Adam([p], lr=1)),
    (Adam(beta1=0.7, beta2=0.9, epsilon=0.1), lambda p: torch.optim.Adam([p], lr=1, betas=(0.7, 0.9), eps=0.1)),
    (AdamW(), lambda p: torch.optim.AdamW([p], lr=1)),
    (AdamW(weight_decay=0.3), lambda p: torch.optim.AdamW([p], lr=1, weight_decay=0.3)),
    (RMSprop(), lambda p: torch.optim.RMSprop([p], lr=1)),
    (RMSprop(alpha=0.9, epsilon=0.1), lambda p: torch.optim.RMSprop([p], lr=1, alpha=0.9, eps=0.1)),
    (RMSprop(momentum=0.9), lambda p: torch.optim.RMSprop([p], lr=1, momentum=0.9)),
    (RMSprop(alpha=0.8, centered=True), lambda p: torch.optim.RMSprop([p], lr=1, alpha=0.8, centered=True)),
    (
        RMSprop(momentum=0.5, centered=True),
        lambda p: torch.optim.RMSprop([p], lr=1, momentum=0.5, centered=True),
    ),
    (Adagrad(), lambda p: torch.optim.Adagrad([p], lr=1)),
    (Adagrad(epsilon=0.1), lambda p: torch.optim.Adagrad([p], lr=1, eps=0.1)),
]


def walk(optimizer: Optimizer) -> Iterator[np.ndarray]:
    """The values after each of the recorded gradients."""
    value, slots = START.copy(), tuple(Tensor(np.zeros(SHAPE)) for _ in optimizer.slots)
    for count, (gradient, rate) in enumerate(zip(GRADIENTS, RATES.tolist(), strict=True), start=1):
        if optimizer.decays("weight"):
            value = value * (1 - rate * optimizer.weight_decay)
        numbers = optimizer.coefficients(rate, count)
        moved, slots = optimizer.update(NumpyOps(), Tensor(value), Tensor(gradient), slots, numbers)
        value = moved.data
        yield value


@pytest.mark.parametrize(("optimizer", "build"), OPTIMIZERS)
def test_recorded_gradients(optimizer: Optimizer, build: Callable[[Any], Any]) -> None:
    parameter = torch.tensor(START, requires_grad=True)
    theirs = build(parameter)
    for value, gradient, rate in zip(walk(optimizer), GRADIENTS, RATES.tolist(), strict=True):
        parameter.grad = torch.tensor(gradient)
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
        np.testing.assert_allclose(value, parameter.detach().numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"beta1": 0.7, "beta2": 0.8, "weight_decay": 0.3}])
def test_lion_with_recorded_gradients(settings: dict[str, float]) -> None:
    """torch has no Lion; Keras has."""
    keras = pytest.importorskip("keras")
    parameter = keras.Variable(START, dtype="float64")
    theirs = keras.optimizers.Lion(
        0.05, settings.get("beta1", 0.9), settings.get("beta2", 0.99), weight_decay=settings.get("weight_decay")
    )
    for value, gradient, rate in zip(walk(Lion(**settings)), GRADIENTS, RATES.tolist(), strict=True):
        theirs.learning_rate = rate
        theirs.apply([keras.ops.convert_to_tensor(gradient, "float64")], [parameter])
        # Keras keeps the learning rate in float32.
        np.testing.assert_allclose(value, np.asarray(parameter), rtol=1e-6, atol=1e-7)


HORIZON = Horizon(steps=60, epoch=6)
SCHEDULES: list[tuple[Schedule, Callable[[Any], Any]]] = [
    (Cosine(initial=1.0, minimum=0.1), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 60, eta_min=0.1)),
    (OneCycle(maximum=2.0), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 2.0, total_steps=60)),
    (Exponential(initial=1.0, factor=0.5), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5 ** (1 / 6))),
    (StepDecay(initial=1.0, every=2), lambda o: torch.optim.lr_scheduler.StepLR(o, 12)),
    (StepDecay(initial=1.0, milestones=(3, 5)), lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [18, 30])),
]


@pytest.mark.parametrize(("schedule", "build"), SCHEDULES)
def test_learning_rates(schedule: Schedule, build: Callable[[Any], Any]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = build(optimizer)
    for step in range(HORIZON.steps):
        assert schedule.at(step, HORIZON, {}) == pytest.approx(theirs.get_last_lr()[0], rel=1e-10)
        optimizer.step()
        if step < HORIZON.steps - 1:
            theirs.step()
