"""Layers that join several inputs."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_alike, check_floating, known_size
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import Dimension, TensorSpec


@dataclass(frozen=True, kw_only=True)
class Add(Layer):
    """The sum of two or more inputs of one shape: `Add().on("left", "right")`.

    Each input: (batch, ...) -> the same shape.
    """

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        first = check_floating(check_alike(inputs))
        for other in inputs[1:]:
            if other.shape != first.shape:
                raise ValueError(f"adds inputs of one shape, got {first} and {other}")
        return first

    def forward(self, context: Context, *inputs: Array) -> Array:
        total = inputs[0]
        for other in inputs[1:]:
            total = total + other
        return total


@dataclass(frozen=True, kw_only=True)
class Concat(Layer):
    """Two or more inputs one after another along an axis (1: channels): `Concat().on("left", "right")`.

    Each input: (batch, ...), equal but for the size of `axis` -> (batch, ...) with the sum of these sizes.
    """

    axis: int = 1

    def __post_init__(self) -> None:
        if self.axis == 0:
            raise ValueError("axis 0 is the batch: join along axis 1 or a later one")

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        first = check_alike(inputs)
        axis = self.axis % first.rank if -first.rank <= self.axis < first.rank else 0
        if axis == 0:
            raise ValueError(f"cannot join {first} along axis {self.axis}: use an axis from 1 to {first.rank - 1}")
        for other in inputs[1:]:
            if _without(axis, other) != _without(axis, first):
                raise ValueError(f"joins inputs that are equal but for axis {axis}, got {first} and {other}")
        total = sum(known_size(spec, axis) for spec in inputs)
        return first.with_shape(*first.shape[:axis], total, *first.shape[axis + 1 :], axes=first.axes)

    def forward(self, context: Context, *inputs: Array) -> Array:
        return context.ops.concat(inputs, axis=self.axis)


def _without(axis: int, spec: TensorSpec) -> tuple[Dimension, ...]:
    return spec.shape[:axis] + spec.shape[axis + 1 :]
