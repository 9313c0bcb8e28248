"""Activations: the same function for every element. x: (batch, ...) -> the same shape."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_floating
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
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
class Tanh(Activation):
    """The hyperbolic tangent."""

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.tanh(x)


@dataclass(frozen=True, kw_only=True)
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.sigmoid(x)
