"""Layers that join several inputs."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_alike, check_axis, check_floating, known_size, read_axes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import Dimension, TensorSpec


@dataclass(frozen=True, kw_only=True)
class Add(Layer):
    """The sum of two or more inputs of one shape: `Add().on("left", "right")`.

    An axis of size 1 is stretched to that of the others. Each input: (batch, ...) -> the same shape.
    """

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        return _stretched("adds", inputs)

    def forward(self, context: Context, *inputs: Array) -> Array:
        total = inputs[0]
        for other in inputs[1:]:
            total = total + other
        return total


@dataclass(frozen=True, kw_only=True)
class Multiply(Layer):
    """The product, element by element, of two or more inputs of one shape: `Multiply().on("values", "gate")`.

    An axis of size 1 is stretched to that of the others, as when one gate serves a whole channel. Each input:
    (batch, ...) -> the same shape.
    """

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        return _stretched("multiplies", inputs)

    def forward(self, context: Context, *inputs: Array) -> Array:
        product = inputs[0]
        for other in inputs[1:]:
            product = product * other
        return product


@dataclass(frozen=True, kw_only=True)
class Concat(Layer):
    """Two or more inputs one after another along an axis (1: channels): `Concat().on("left", "right")`.

    Each input: (batch, ...), equal but for the size of `axis` -> (batch, ...) with the sum of these sizes.
    """

    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        first = check_alike(inputs)
        axis = check_axis(first, self.axis)
        for other in inputs[1:]:
            if _without(axis, other) != _without(axis, first):
                raise ValueError(
                    f"joins inputs that are equal but for axis {axis}, got {first} and {other}: bring one to the "
                    "size of the other, with stride and padding before it, Upsample or Pad, or join along another axis"
                )
        total = sum(known_size(spec, axis) for spec in inputs)
        return first.with_shape(*first.shape[:axis], total, *first.shape[axis + 1 :], axes=first.axes)

    def forward(self, context: Context, *inputs: Array) -> Array:
        return context.ops.concat(inputs, axis=self.axis)


def _stretched(verb: str, inputs: tuple[TensorSpec, ...]) -> TensorSpec:
    """The spec of what is made of the inputs element by element. Raises `ValueError` where their shapes differ."""
    first = check_floating(check_alike(inputs))
    shape = list(first.shape)
    for other in inputs[1:]:
        for axis, (size, wanted) in enumerate(zip(other.shape, shape, strict=True)):
            if size != wanted and 1 not in (size, wanted):
                raise ValueError(
                    f"{verb} inputs of one shape, got {first} and {other}, of {wanted} and {size} in axis {axis}: "
                    "bring one to the shape of the other, with units, channels, stride or padding before it"
                )
            shape[axis] = size if wanted == 1 else wanted
    return first.with_shape(*shape, axes=next((spec.axes for spec in inputs if spec.axes), ""))


def _without(axis: int, spec: TensorSpec) -> tuple[Dimension, ...]:
    return spec.shape[:axis] + spec.shape[axis + 1 :]
