"""Schedule: how the learning rate changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.specs.names import snake_case


@dataclass(frozen=True, slots=True)
class Horizon:
    """How long a run is planned: `steps` in all, `epoch` steps in an epoch."""

    steps: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A learning rate for every step. With `warmup` it rises linearly over that many steps to the schedule's own value.

    Pure but for `state`, a small JSON-able mapping that only a schedule that watches validation (plateau) uses.
    """

    warmup: int = 0

    def __post_init__(self) -> None:
        if self.warmup < 0:
            raise ValueError(f"warmup is a number of steps, 0 for none, got {self.warmup!r}")

    @classmethod
    def component(cls) -> str:
        return snake_case(cls.__name__)

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        """The learning rate of step number `step` (the first is 0), before warm-up."""
        raise NotImplementedError

    def start(self) -> dict[str, Any]:
        """The state before the first step."""
        return {}

    def observe(self, state: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
        """The state after a validation that gave `values`."""
        return dict(state)

    def at(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        """The learning rate of step number `step`, warm-up included."""
        rate = self.rate(step, horizon, state)
        return rate * (step + 1) / self.warmup if step < self.warmup else rate
