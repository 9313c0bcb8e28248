"""Distillation: what a student is told by a teacher's scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.layers.checks import check_floating
from akid_core.layers.losses.cross_entropy import log_softmax
from akid_core.layers.losses.rows import ones_like, row_mean
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Loss
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Distillation(Loss):
    """T^2 times the Kullback-Leibler divergence of softmax(student / T) from softmax(teacher / T), T the temperature.

    The hotter, the more the teacher's small probabilities say: which wrong classes it takes for likely. The factor T^2
    keeps the size of the gradient, so that the weight of a loss of true labels beside it need not change with T. The
    divergence differs from the cross-entropy by the teacher's entropy alone, and is 0 where the student gives what the
    teacher gives. Further axes are averaged. Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural
    network", 2015, section 2.

    student, teacher: logits (batch, ..., classes) of one shape.
    """

    temperature: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature must be above 0, got {self.temperature!r}")

    def check(self, student: TensorSpec, teacher: TensorSpec) -> None:
        if check_floating(student).shape != check_floating(teacher).shape or student.rank < 2:
            raise ValueError(
                f"takes the logits of a student and of a teacher, (batch, ..., classes) of one shape, got {student} "
                f"and {teacher}"
            )

    def forward(self, context: Context, student: Array, teacher: Array) -> tuple[Array, Array]:
        ops, spec = context.ops, context.call.in_specs[0]
        wide, last = context.wide(spec.dtype), spec.rank - 1
        mine, theirs = (
            log_softmax(ops, ops.astype(logits, wide) / self.temperature, last) for logits in (student, teacher)
        )
        divergence = ops.sum(ops.exp(theirs) * (theirs - mine), axis=last)
        value = row_mean(ops, divergence * self.temperature**2, last)
        return value, ones_like(ops, value)
