"""A learning rate that stays, but for its warm-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.schedules.base import Horizon, Schedule
from akid_core.schedules.checks import check_rate


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The learning rate `initial` throughout: use it to combine a fixed rate with `warmup`."""

    initial: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("initial", self.initial)

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        return self.initial
