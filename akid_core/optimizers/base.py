"""Optimizer: how parameters move.

The formula is defined once, element-wise, in Python's operators and `ops.sqrt`; a backend may run an equal native
kernel. All that depends on the step alone (learning rate, bias corrections) is computed on the host in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from akid_core.ops import Array, Ops
from akid_core.optimizers.regularizer import Regularizer
from akid_core.schedules.base import Schedule
from akid_core.specs.names import matches, snake_case

AVERAGE = "average"
"""The slot of the running mean: mean = average * mean + (1 - average) * value. It starts at zero, so that the mean
after n updates is slot / (1 - average^n), see `akid_core.optimizers.average.running_means`."""


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """Settings that every optimizer has.

    `learning_rate`: a number or a Schedule. `weight_decay`: decoupled, value *= 1 - learning_rate * weight_decay before
    the step, for the parameters that match one of the globs `decay`. `clip_value`: each number of the gradient is held
    within -clip_value and clip_value. `clip_norm`: the largest Euclidean norm of the whole gradient (scaled by
    clip_norm / norm where it is larger; no epsilon). `regularizers`: further pulls and limits, by glob. `average`: the
    share that stays, at each step, of a running mean of the parameters, such as 0.999; with it validation, testing and
    prediction use the mean.

    One update is, in this order: `clip_value`, `clip_norm`, the gradients of `regularizers`, `weight_decay`, the
    formula, the limits of `regularizers`, `average`.
    """

    learning_rate: float | Schedule = 1e-3
    weight_decay: float = 0.0
    decay: tuple[str, ...] = ("*weight",)
    clip_norm: float | None = None
    clip_value: float | None = None
    regularizers: tuple[Regularizer, ...] = ()
    average: float | None = None

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if not isinstance(rate, Schedule) and not (isinstance(rate, int | float) and 0 <= rate < math.inf):
            raise ValueError(f"learning_rate must be a number of at least 0, or a schedule, got {rate!r}")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must be at least 0, got {self.weight_decay!r}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm must be above 0, or left out for no clipping, got {self.clip_norm!r}")
        if self.clip_value is not None and not self.clip_value > 0:
            raise ValueError(f"clip_value must be above 0, or left out for no clipping, got {self.clip_value!r}")
        if self.average is not None and not 0 < self.average < 1:
            raise ValueError(
                f"average is the share of the running mean that stays, such as 0.999, got {self.average!r}"
            )
        object.__setattr__(self, "regularizers", tuple(self.regularizers))
        object.__setattr__(self, "decay", (self.decay,) if isinstance(self.decay, str) else tuple(self.decay))

    @classmethod
    def component(cls) -> str:
        return snake_case(cls.__name__)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays that the formula keeps for each parameter, zero at the start."""
        return ()

    @property
    def every_slot(self) -> tuple[str, ...]:
        """`slots`, and `average` where a running mean is kept."""
        return (*self.slots, AVERAGE) if self.average is not None else self.slots

    def decays(self, path: str) -> bool:
        """Whether weight decay acts on the parameter at `path`."""
        return self.weight_decay != 0.0 and matches(path, self.decay)

    def pulls(self, path: str) -> tuple[float, float]:
        """The sums of `l1` and of `l2` over the regularizers that act on the parameter at `path`."""
        acting = [each for each in self.regularizers if each.acts(path)]
        return sum(each.l1 for each in acting), sum(each.l2 for each in acting)

    def limit(self, path: str) -> float | None:
        """The smallest `max_norm` of the regularizers that act on the parameter at `path`."""
        limits = (each.max_norm for each in self.regularizers if each.max_norm is not None and each.acts(path))
        return min(limits, default=None)

    def coefficients(self, learning_rate: float, count: int) -> tuple[float, ...]:
        """The numbers that `update` needs for update number `count` (the first is 1), in float64.

        By default the learning rate alone.
        """
        return (learning_rate,)

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        """The new value and slots. All arrays have the parameter's shape; `coefficients` are numbers or 0-d arrays."""
        raise NotImplementedError
