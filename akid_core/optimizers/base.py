"""Optimizer: how parameters move.

The formula is defined once, element-wise, in Python's operators and `ops.sqrt`; a backend may run an equal native
kernel. All that depends on the step alone (learning rate, bias corrections) is computed on the host in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.schedules.base import Schedule
from akid_core.specs.names import snake_case


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """Settings that every optimizer has.

    `learning_rate`: a number or a Schedule. `weight_decay`: decoupled, value *= 1 - learning_rate * weight_decay before
    the step, for the parameters that match one of the globs `decay`. `clip_norm`: the largest Euclidean norm of the
    whole gradient (scaled by clip_norm / norm where it is larger; no epsilon).
    """

    learning_rate: float | Schedule = 1e-3
    weight_decay: float = 0.0
    decay: tuple[str, ...] = ("*weight",)
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if not isinstance(rate, Schedule) and not (isinstance(rate, int | float) and 0 <= rate < math.inf):
            raise ValueError(f"learning_rate must be a number of at least 0, or a schedule, got {rate!r}")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must be at least 0, got {self.weight_decay!r}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm must be above 0, or left out for no clipping, got {self.clip_norm!r}")
        object.__setattr__(self, "decay", (self.decay,) if isinstance(self.decay, str) else tuple(self.decay))

    @classmethod
    def component(cls) -> str:
        return snake_case(cls.__name__)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays kept for each parameter, zero at the start."""
        return ()

    def decays(self, path: str) -> bool:
        """Whether weight decay acts on the parameter at `path`."""
        return self.weight_decay != 0.0 and any(fnmatchcase(path, pattern) for pattern in self.decay)

    def coefficients(self, learning_rate: float, count: int) -> tuple[float, ...]:
        """The numbers that `update` needs for update number `count` (the first is 1), in float64."""
        raise NotImplementedError

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        """The new value and slots. All arrays have the parameter's shape; `coefficients` are numbers or 0-d arrays."""
        raise NotImplementedError
