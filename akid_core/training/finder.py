"""The learning rate finder: train a little while at ever higher rates, and see where the loss falls fastest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akid_core.errors import UsageError
from akid_core.training.interval import bundle_looks, spans

if TYPE_CHECKING:
    from akid_core.training.kid import Kid

SMOOTHING = 0.9
"""The share of the running mean of losses that stays at each step."""

WINDOW = 10
"""How many losses such a mean is made of, about."""

DIVERGED = 4.0
"""How many times the smallest smoothed loss ends the search."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningRates:
    """What the finder saw.

    `rates`: (n,) the learning rate of each step, rising by an equal factor. `losses`: (n,) the objective of each step.
    `smoothed`: (n,) the running mean of these, corrected for its start at 0. n is smaller than the steps that were
    asked for where the loss was no longer finite, or four times its smallest.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest by the logarithm of the rate; None where it never falls.

        The first losses do not count, ten of them or a quarter: their mean is one of few batches, and moves by chance.
        Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3, in the form of the
        steepest descent. The rate to train with is of this size or somewhat smaller.
        """
        if len(self.rates) < 3:
            return None
        first = min(WINDOW, len(self.rates) // 4)
        slopes = np.gradient(self.smoothed, np.log(self.rates))[first:]
        steepest = int(np.argmin(slopes))
        return float(self.rates[first + steepest]) if slopes[steepest] < 0 else None


def find_learning_rate(kid: Kid, lowest: float, highest: float, steps: int) -> LearningRates:
    """Take up to `steps` steps from where the Kid is; parameters and optimizer state are put back at the end."""
    if not 0 < lowest < highest < math.inf:
        raise UsageError(f"The rates rise from lowest, above 0, to highest; got lowest={lowest}, highest={highest}.")
    if steps < 3:
        raise UsageError(f"To see a slope takes at least 3 steps, got steps={steps}.")
    if not kid.regime.plain:
        raise UsageError("The finder knows one optimizer that moves everything; this Kid has phases or loss weights.")
    rates = np.geomspace(lowest, highest, steps)
    strategy, begin, sensor = kid.strategy, kid.state.step, kid.train_sensor
    plan = spans(begin, begin + steps, [bundle_looks(kid.plan.bundle, sensor.steps_per_epoch)], sensor.uniform)
    params, slots = strategy.gather()
    losses = np.empty(0)
    try:
        with sensor.spans(plan) as reader:
            for span in reader:
                first = span.first_step - begin
                losses = np.append(losses, strategy.run(span, rates[first : first + span.steps]).objective)
                if _end(losses) < len(losses):
                    break
    finally:
        strategy.fill(params, slots)
    count = _end(losses)
    return LearningRates(rates=rates[:count], losses=losses[:count], smoothed=_smoothed(losses[:count]))


def _smoothed(losses: np.ndarray) -> np.ndarray:
    mean, means = 0.0, []
    for count, loss in enumerate(losses.tolist(), start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**count))
    return np.array(means)


def _end(losses: np.ndarray) -> int:
    """How many losses count: up to the first that is not finite, or at which their mean has run away."""
    finite = np.isfinite(losses)
    count = len(losses) if finite.all() else int(np.argmin(finite))
    means = _smoothed(losses[:count])
    # A loss below 0 has no multiples that are larger; its distance from the first one stands for its size then.
    lowest = np.minimum.accumulate(means) if count else means
    away = means > np.where(lowest > 0, DIVERGED * lowest, lowest + DIVERGED * np.abs(lowest))
    return int(np.argmax(away)) if away.any() else count
