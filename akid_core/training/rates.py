"""What a regime's schedules say at each step: the learning rates of phases, and the weights of losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from akid_core.optimizers.regime import Regime
from akid_core.schedules.base import Horizon, Schedule

States = Sequence[Mapping[str, Any]]
"""The state of the learning rate's schedule of each phase; empty for a number."""


def first_states(regime: Regime) -> list[dict[str, Any]]:
    """The states before the first step."""
    return [rate.start() if isinstance(rate, Schedule) else {} for rate in _rates(regime)]


def observed(regime: Regime, states: States, values: Mapping[str, float]) -> list[Mapping[str, Any]]:
    """The states after a validation that gave `values`."""
    pairs = zip(_rates(regime), states, strict=True)
    return [rate.observe(state, values) if isinstance(rate, Schedule) else {} for rate, state in pairs]


def learning_rates(regime: Regime, steps: range, horizon: Horizon, states: States) -> np.ndarray:
    """The learning rate of each phase at each of the steps: (steps, phases) float64."""
    pairs = zip(_rates(regime), states, strict=True)
    return np.stack([_numbers(rate, steps, horizon, state) for rate, state in pairs], axis=1)


def loss_weights(regime: Regime, steps: range, horizon: Horizon) -> dict[str, np.ndarray]:
    """What the weights of losses are multiplied by at each of the steps, by loss: (steps,) float64."""
    return {name: _numbers(weight, steps, horizon, {}) for name, weight in regime.weights.items()}


def _rates(regime: Regime) -> list[float | Schedule]:
    return [phase.optimizer.learning_rate for phase in regime.phases]


def _numbers(rate: float | Schedule, steps: range, horizon: Horizon, state: Mapping[str, Any]) -> np.ndarray:
    if not isinstance(rate, Schedule):
        return np.full(len(steps), rate, dtype=np.float64)
    return np.array([rate.at(step, horizon, state) for step in steps], dtype=np.float64)
