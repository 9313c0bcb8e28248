"""What stands before and behind a layer, so that its gradients can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.initializers import Zeros
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer, Loss
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class GradientProbe(Layer):
    """Stands for an input and holds it as a parameter, so that its gradient can be asked for."""

    spec: TensorSpec
    shape: tuple[int, ...]

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        return self.spec

    def params(self, *inputs: TensorSpec) -> tuple[ParamSpec, ...]:
        return (ParamSpec(name="value", shape=self.shape, init=Zeros()),)

    def forward(self, context: Context, *inputs: Array) -> Array:
        return context.params["value"]


@dataclass(frozen=True, kw_only=True)
class Projection(Loss):
    """The sum of an output times a given cotangent, for each row: its gradient by the output is the cotangent."""

    def forward(self, context: Context, *inputs: Array) -> tuple[Array, Array]:
        output, cotangent = inputs
        axes = tuple(range(1, context.call.in_specs[0].rank))
        products = output * cotangent
        value = context.ops.sum(products, axis=axes) if axes else products
        return value, context.ops.zeros_like(value) + 1.0
