"""Learning rates that fall by a factor: in steps, or smoothly."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.schedules.base import Horizon, Schedule
from akid_core.schedules.checks import check_factor, check_rate


@dataclass(frozen=True, kw_only=True)
class StepDecay(Schedule):
    """`initial`, multiplied by `factor` after each `every` epochs, or at the start of each epoch in `milestones`."""

    initial: float
    factor: float = 0.1
    every: int | None = None
    milestones: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("initial", self.initial)
        check_factor(self.factor)
        object.__setattr__(self, "milestones", tuple(self.milestones))
        if (self.every is None) == (not self.milestones):
            raise ValueError("give either every (a number of epochs) or milestones (epochs, such as [30, 60])")
        if self.every is not None and self.every < 1:
            raise ValueError(f"every is a number of epochs of at least 1, got {self.every!r}")
        if list(self.milestones) != sorted(set(self.milestones)) or min(self.milestones, default=1) < 1:
            raise ValueError(f"milestones are epochs that rise from at least 1, got {self.milestones!r}")

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        epoch = step // horizon.epoch
        falls = epoch // self.every if self.every else bisect.bisect_right(self.milestones, epoch)
        return self.initial * self.factor**falls


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """`initial` * `factor` ** epochs, falling smoothly from step to step (an epoch may be half done)."""

    initial: float
    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("initial", self.initial)
        check_factor(self.factor)

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        return float(self.initial * self.factor ** (step / horizon.epoch))
