"""Activations. x: (batch, ...) -> the same shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from akid_core.initializers import Constant, Initializer
from akid_core.layers.checks import check_axis, check_floating, known_size, read_axes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Activation(Layer):
    """A layer whose output looks like its input."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return check_floating(x)


@dataclass(frozen=True, kw_only=True)
class ReLU(Activation):
    """max(x, 0); the derivative at 0 is 0."""

    def forward(self, context: Context, x: Array) -> Array:
        # The first argument of `maximum` takes the gradient of a tie, so zero stands first.
        return context.ops.maximum(context.ops.zeros_like(x), x)


@dataclass(frozen=True, kw_only=True)
class ReLU6(Activation):
    """min(max(x, 0), 6); the derivative at 0 and at 6 is 0.

    Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """

    def forward(self, context: Context, x: Array) -> Array:
        zeros = context.ops.zeros_like(x)
        return context.ops.minimum(zeros + 6.0, context.ops.maximum(zeros, x))


@dataclass(frozen=True, kw_only=True)
class LeakyReLU(Activation):
    """x where it is above 0, else negative_slope * x; the derivative at 0 is negative_slope."""

    negative_slope: float = 0.01

    def __post_init__(self) -> None:
        if not math.isfinite(self.negative_slope):
            raise ValueError(f"negative_slope must be a finite number, got {self.negative_slope!r}")

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.where(x > 0, x, x * self.negative_slope)


@dataclass(frozen=True, kw_only=True)
class PReLU(Activation):
    """x where it is above 0, else slope * x, which is learnt; the derivative at 0 is the slope.

    One slope for each channel (axis 1), or with `shared` a single one. Source: He et al., "Delving deep into
    rectifiers", 2015.

    x: (batch, channels, ...) -> the same shape. slope: (channels,), or (1,) if shared.
    """

    shared: bool = False
    slope_init: Initializer = field(default_factory=lambda: Constant(value=0.25))

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if check_floating(x).rank < 2 and not self.shared:
            raise ValueError(f"needs (batch, channels, ...), got {x}: share one slope, or put Reshape before it")
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        shape = (1 if self.shared else known_size(x, 1),)
        return (ParamSpec(name="slope", shape=shape, axes="C", init=self.slope_init),)

    def forward(self, context: Context, x: Array) -> Array:
        slope, rank = context.params["slope"], context.call.in_specs[0].rank
        if not self.shared:
            slope = context.ops.reshape(slope, (1, -1, *(1,) * (rank - 2)))
        return context.ops.where(x > 0, x, x * slope)


@dataclass(frozen=True, kw_only=True)
class GELU(Activation):
    """x times the probability that a standard normal number lies below x: x / 2 * (1 + erf(x / sqrt(2))).

    `approximate="tanh"` takes x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) instead. Source: Hendrycks and
    Gimpel, "Gaussian error linear units", 2016.
    """

    approximate: Literal["none", "tanh"] = "none"

    def __post_init__(self) -> None:
        if self.approximate not in ("none", "tanh"):
            raise ValueError(f"approximate must be 'none' or 'tanh', got {self.approximate!r}")

    def forward(self, context: Context, x: Array) -> Array:
        ops = context.ops
        if self.approximate == "none":
            return x * 0.5 * (1.0 + ops.erf(x * math.sqrt(0.5)))
        # Where the tanh is 1 in any type the cube could overflow, and its derivative with it.
        near = ops.minimum(ops.maximum(x, -10.0), 10.0)
        return x * 0.5 * (1.0 + ops.tanh((near + near * near * near * 0.044715) * math.sqrt(2.0 / math.pi)))


@dataclass(frozen=True, kw_only=True)
class SiLU(Activation):
    """x * sigmoid(x), also called swish. Source: Elfwing et al., "Sigmoid-weighted linear units", 2017."""

    def forward(self, context: Context, x: Array) -> Array:
        return x * context.ops.sigmoid(x)


@dataclass(frozen=True, kw_only=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.tanh(x)


@dataclass(frozen=True, kw_only=True)
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.sigmoid(x)


@dataclass(frozen=True, kw_only=True)
class Softmax(Activation):
    """exp(x) over the sum of exp(x) along an axis, the last unless stated; computed in at least float32.

    A loss of logits, such as SoftmaxCrossEntropy, wants them as they are, without this layer.
    """

    axis: int = -1

    def __post_init__(self) -> None:
        read_axes(self.axis)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_axis(check_floating(x), self.axis)
        return x

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        values = ops.astype(x, context.wide(spec.dtype))
        # The largest value is taken off, so that no exponential overflows.
        powers = ops.exp(values - ops.stop_gradient(ops.max(values, axis=self.axis, keepdims=True)))
        return ops.astype(powers / ops.sum(powers, axis=self.axis, keepdims=True), spec.dtype)
