"""Normalisation inside each row: the same in training and evaluation, whatever the other rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from akid_core.initializers import Ones, Zeros
from akid_core.layers.checks import check_axes, check_floating, known_size, read_axes
from akid_core.ops import Ops
from akid_core.specs.checks import check_epsilon
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.names import snake_case
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class RowNorm(Layer):
    """What the normalisations along axes of a row share."""

    axis: int | tuple[int, ...] = -1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        axes = read_axes(self.axis)
        object.__setattr__(self, "axis", self.axis if isinstance(self.axis, int) else axes)
        check_epsilon(self.epsilon, 1e-5)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_axes(check_floating(x), self.axis)
        return x


@dataclass(frozen=True, kw_only=True)
class LayerNorm(RowNorm):
    """Normalise each row along axes: (x - mean) / sqrt(variance + epsilon) * scale + shift, the variance biased.

    `axis`: one or several, the last unless stated. Statistics are at least float32. Source: Ba et al., "Layer
    normalization", 2016.

    x: (batch, ...) -> the same shape. scale, shift: the sizes of the axes, in ascending order.
    """

    scale: bool = True
    shift: bool = True

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return _affine(x, check_axes(x, self.axis), self.scale, self.shift)

    def forward(self, context: Context, x: Array) -> Array:
        spec = context.call.in_specs[0]
        axes = check_axes(spec, self.axis)
        values = context.ops.astype(x, context.wide(spec.dtype))
        return _scaled(context, standardised(context.ops, values, axes, self.epsilon), axes)


@dataclass(frozen=True, kw_only=True)
class RMSNorm(RowNorm):
    """Divide each row along axes by its root mean square: x / sqrt(mean of squares + epsilon) * scale.

    `axis`: one or several, the last unless stated. The mean is at least float32. Source: Zhang and Sennrich, "Root mean
    square layer normalization", 2019.

    x: (batch, ...) -> the same shape. scale: the sizes of the axes, in ascending order.
    """

    scale: bool = True

    @classmethod
    def component(cls) -> str:
        return snake_case(cls.__name__.replace("RMS", "Rms"))

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return _affine(x, check_axes(x, self.axis), self.scale, False)

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        axes = check_axes(spec, self.axis)
        values = ops.astype(x, context.wide(spec.dtype))
        square = ops.mean(values * values, axis=axes, keepdims=True)
        return _scaled(context, values / ops.sqrt(square + self.epsilon), axes)


@dataclass(frozen=True, kw_only=True)
class L2Normalize(RowNorm):
    """Divide each row along axes by its Euclidean length: x / sqrt(max(sum of squares, epsilon)).

    So a vector no longer than sqrt(epsilon) is divided by that number: zeros stay zeros, and their gradient is that of
    a division by a constant. `axis`: one or several, the last unless stated. The sum is at least float32.

    x: (batch, ...) -> the same shape.
    """

    epsilon: float = 1e-12

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        values = ops.astype(x, context.wide(spec.dtype))
        square = ops.sum(values * values, axis=check_axes(spec, self.axis), keepdims=True)
        return ops.astype(values / ops.sqrt(ops.maximum(square, self.epsilon)), spec.dtype)


@dataclass(frozen=True, kw_only=True)
class GroupNorm(Layer):
    """Normalise each row in groups of consecutive channels (axis 1), each together with all of space.

    (x - mean) / sqrt(variance + epsilon) * scale + shift, the variance biased, statistics in at least float32. As many
    groups as channels is instance normalisation; one group normalises the whole row. Source: Wu and He, "Group
    normalization", 2018.

    x: (batch, channels, ...) -> the same shape. scale, shift: (channels,).
    """

    groups: int
    scale: bool = True
    shift: bool = True
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise ValueError(f"groups must be at least 1, got {self.groups!r}")
        check_epsilon(self.epsilon, 1e-5)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if check_floating(x).rank < 2:
            raise ValueError(f"needs (batch, channels, ...), got {x}")
        channels = known_size(x, 1)
        if channels % self.groups:
            raise ValueError(f"{channels} channels do not fall into {self.groups} equal groups: change groups")
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return _affine(x, (1,), self.scale, self.shift)

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        values = ops.reshape(ops.astype(x, context.wide(spec.dtype)), self.grouped(spec, x))
        out = standardised(ops, values, tuple(range(2, spec.rank + 1)), self.epsilon)
        return _scaled(context, ops.reshape(out, x.shape), (1,))

    def grouped(self, spec: TensorSpec, x: Array) -> tuple[Any, ...]:
        """The shape of such a tensor with the groups along an axis of their own: (batch, groups, channels, ...)."""
        return (x.shape[0], self.groups, known_size(spec, 1) // self.groups, *x.shape[2:])


def standardised(ops: Ops, values: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """The values along axes with mean 0 and, but for epsilon, variance 1."""
    centred = values - ops.mean(values, axis=axes, keepdims=True)
    variance = ops.mean(centred * centred, axis=axes, keepdims=True)
    return centred / ops.sqrt(variance + epsilon)


def _affine(x: TensorSpec, axes: tuple[int, ...], scale: bool, shift: bool) -> tuple[ParamSpec, ...]:
    """A scale and a shift, where wanted, with a value for each place along the axes."""
    if not (scale or shift):
        return ()
    shape = tuple(known_size(x, axis) for axis in axes)
    letters = "C" if len(axes) == 1 else "".join(x.axes[axis] for axis in axes) if x.axes else ""
    weights = (("scale", scale, Ones()), ("shift", shift, Zeros()))
    return tuple(ParamSpec(name=name, shape=shape, axes=letters, init=init) for name, wanted, init in weights if wanted)


def _scaled(context: Context, values: Array, axes: tuple[int, ...]) -> Array:
    """values * scale + shift as far as there are such parameters, in the type of the layer's input."""
    ops, spec = context.ops, context.call.in_specs[0]
    wide = context.wide(spec.dtype)
    if context.params:
        along = tuple(known_size(spec, axis) if axis in axes else 1 for axis in range(spec.rank))
        params = {name: ops.reshape(ops.astype(value, wide), along) for name, value in context.params.items()}
        values = values * params["scale"] if "scale" in params else values
        values = values + params["shift"] if "shift" in params else values
    return ops.astype(values, spec.dtype)
