"""Optimizer: how parameters move.

The formula is defined once, element-wise, in Python's operators and `ops.sqrt`; a backend may run an equal native
kernel. All that depends on the step alone (learning rate, bias corrections) is computed on the host in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

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

    slots: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays kept for each parameter, zero at the start."""

    learning_rate: float | Schedule = 1e-3
    weight_decay: float = 0.0
    decay: tuple[str, ...] = ("*weight",)
    clip_norm: float | None = None

    @classmethod
    def component(cls) -> str:
        return snake_case(cls.__name__)

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
