"""Half a cosine, from the first learning rate to the lowest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.schedules.base import Horizon, Schedule
from akid_core.schedules.checks import check_minimum, check_rate


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """minimum + (initial - minimum) * (1 + cos(pi * step / steps)) / 2, over the whole run.

    The step after the last one would have `minimum`. Source: Loshchilov and Hutter, "SGDR", 2017, equation 5, without
    restarts.
    """

    initial: float
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("initial", self.initial)
        check_minimum(self.minimum, self.initial)

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        done = min(step / horizon.steps, 1.0) if horizon.steps else 1.0
        return self.minimum + (self.initial - self.minimum) * (1.0 + math.cos(math.pi * done)) / 2.0
