"""Fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from akid_core.initializers import HeUniform, Initializer, Zeros
from akid_core.layers.checks import check_floating, known_size
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Dense(Layer):
    """Multiply the last axis by a matrix and add a bias: x @ weight + bias.

    x: (batch, ..., in) -> (batch, ..., units). weight: IO (in, units). bias: (units,).
    """

    units: int
    bias: bool = True
    weight_init: Initializer = field(default_factory=HeUniform)
    bias_init: Initializer = field(default_factory=Zeros)

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError(f"units must be at least 1, got {self.units}")

    def outputs(self, x: TensorSpec) -> TensorSpec:
        check_floating(x)
        if x.rank < 2:
            raise ValueError(f"needs (batch, ..., features), got {x}")
        if "C" in x.axes[:-1]:
            raise ValueError(f"acts on the last axis, which is {x.axes[-1]!r} in {x} ({x.axes}): put Flatten before it")
        known_size(x, -1)
        return x.with_shape(*x.shape[:-1], self.units, axes=x.axes)

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        features = known_size(x, -1)
        weight = ParamSpec(
            name="weight",
            shape=(features, self.units),
            axes="IO",
            init=self.weight_init,
            fan_in=features,
            fan_out=self.units,
        )
        bias = ParamSpec(name="bias", shape=(self.units,), axes="O", init=self.bias_init)
        return (weight, bias) if self.bias else (weight,)

    def forward(self, context: Context, x: Array) -> Array:
        out = context.ops.matmul(x, context.params["weight"])
        return out + context.params["bias"] if self.bias else out
