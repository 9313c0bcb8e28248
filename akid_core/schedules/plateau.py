"""A learning rate that falls when validation no longer improves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from akid_core.errors import UnknownNameError, suggest
from akid_core.schedules.base import Horizon, Schedule
from akid_core.schedules.checks import check_factor, check_minimum, check_rate

Mode = Literal["min", "max"]


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """`initial`, multiplied by `factor` after each `patience` validations without a new best, down to `minimum`.

    `metric`: the validated value that is watched, such as `loss`. `mode`: whether its `min` or its `max` is best.
    State: `scale` (what initial is multiplied by), `best` (null before the first validation), `waited` (validations
    since the best or the last fall).
    """

    initial: float
    metric: str = "loss"
    mode: Mode = "min"
    factor: float = 0.1
    patience: int = 10
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("initial", self.initial)
        check_factor(self.factor)
        check_minimum(self.minimum, self.initial)
        if self.mode not in get_args(Mode):
            raise ValueError(f"mode must be 'min' or 'max', got {self.mode!r}")
        if self.patience < 1:
            raise ValueError(f"patience is a number of validations of at least 1, got {self.patience!r}")

    def start(self) -> dict[str, Any]:
        return {"scale": 1.0, "best": None, "waited": 0}

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        return max(self.initial * float(state["scale"]), self.minimum)

    def observe(self, state: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
        """The state after a validation. Raises `UnknownNameError` where `metric` is not among the values."""
        if self.metric not in values:
            raise UnknownNameError(
                f"The schedule plateau watches {self.metric!r}, but validation gives {', '.join(sorted(values))}: "
                f"set its metric to one of these.{suggest(self.metric, values)}"
            )
        value, best, scale = float(values[self.metric]), state["best"], float(state["scale"])
        if not math.isnan(value) and (best is None or (value < best if self.mode == "min" else value > best)):
            return {"scale": scale, "best": value, "waited": 0}
        waited = int(state["waited"]) + 1
        if waited < self.patience:
            return {"scale": scale, "best": best, "waited": waited}
        return {"scale": scale * self.factor, "best": best, "waited": 0}
