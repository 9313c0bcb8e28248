"""Regularizer: what pulls parameters towards zero, or limits them, beside the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.ops import Array, Ops
from akid_core.optimizers.sign import sign
from akid_core.specs.names import matches


@dataclass(frozen=True, kw_only=True)
class Regularizer:
    """Pulls and limits for the parameters whose path matches one of the globs `params`.

    `l1`, `l2`: the gradient gains l1 * sign(value) + l2 * value, as if the objective had the terms l1 * sum |value| and
    l2 / 2 * sum value^2; the loss that is shown does not. `max_norm`: after each update the weights of every unit are
    scaled back to this Euclidean norm where theirs is larger. Source: Srivastava et al., "Dropout", 2014, section 5.1.
    """

    params: tuple[str, ...] = ("*weight",)
    l1: float = 0.0
    l2: float = 0.0
    max_norm: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", (self.params,) if isinstance(self.params, str) else tuple(self.params))
        for name in ("l1", "l2"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number of at least 0, got {getattr(self, name)!r}")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ValueError(f"max_norm must be above 0, or left out for no limit, got {self.max_norm!r}")
        if not (self.l1 or self.l2 or self.max_norm):
            raise ValueError("does nothing as it is: give l1, l2 or max_norm")

    def acts(self, path: str) -> bool:
        """Whether the parameter at `path` is meant."""
        return matches(path, self.params)


def pulled(ops: Ops, value: Array, gradient: Array, l1: float, l2: float) -> Array:
    """The gradient with that of the penalties; the derivative of |x| at 0 is 0."""
    if l2:
        gradient = gradient + value * l2
    if l1:
        gradient = gradient + sign(ops, value) * l1
    return gradient


def limited(ops: Ops, value: Array, axes: str, limit: float) -> Array:
    """The value with the norm of each unit at most `limit`.

    `axes`: a letter for each axis as they lie here. A unit is one index of the axis `O`, with all that enters it; a
    parameter without such an axis is one unit.
    """
    inside = tuple(index for index, axis in enumerate(axes) if axis != "O") if "O" in axes else None
    norm = ops.sqrt(ops.sum(value * value, axis=inside, keepdims=True)) if inside != () else ops.abs(value)
    return value * (limit / ops.maximum(norm, limit))
