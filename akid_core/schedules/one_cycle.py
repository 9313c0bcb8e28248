"""One rise and one fall of the learning rate over the whole run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.schedules.base import Horizon, Schedule
from akid_core.schedules.checks import check_rate


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """Rise from `first` * maximum to `maximum` in the share `rise` of the steps, then fall to `last` * maximum.

    Both ways along half a cosine; the last step has the last rate. Source: Smith and Topin, "Super-convergence", 2018,
    in the two-phase form that PyTorch uses.
    """

    maximum: float
    rise: float = 0.3
    first: float = 0.04
    last: float = 4e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rate("maximum", self.maximum)
        for name in ("rise", "first", "last"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is a share and must lie between 0 and 1, got {value!r}")

    def rate(self, step: int, horizon: Horizon, state: Mapping[str, Any]) -> float:
        end = horizon.steps - 1
        peak = min(max(self.rise * horizon.steps - 1.0, 0.0), float(end))
        if step < peak:
            share = _between(self.first, 1.0, step / peak)
        else:
            share = _between(1.0, self.last, min((step - peak) / (end - peak), 1.0)) if end > peak else 1.0
        return self.maximum * share


def _between(start: float, stop: float, done: float) -> float:
    """From start (done 0) to stop (done 1) along half a cosine."""
    return stop + (start - stop) * (1.0 + math.cos(math.pi * done)) / 2.0
