"""Local response normalisation."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.layers.checks import check_floating, known_size
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class LRN(Layer):
    """Divide each value by what its neighbours in other channels are: x / (bias + alpha * sum of squares) ** beta.

    The sum runs over the channel itself and `depth_radius` channels on each side, as far as there are any, at the same
    place; it is at least float32. `alpha` is not divided by their number. Source: Krizhevsky et al., "ImageNet
    classification with deep convolutional neural networks", 2012, section 3.3.

    x: (batch, channels, ...) -> the same shape.
    """

    depth_radius: int = 4
    bias: float = 1.0
    alpha: float = 0.001 / 9
    beta: float = 0.75

    def __post_init__(self) -> None:
        if self.depth_radius < 0:
            raise ValueError(f"depth_radius is a number of channels of at least 0, got {self.depth_radius!r}")
        if self.bias <= 0 or self.alpha < 0:
            raise ValueError(
                f"bias must be above 0 and alpha at least 0, so that nothing is divided by 0, got bias={self.bias!r} "
                f"and alpha={self.alpha!r}"
            )

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if check_floating(x).rank < 2:
            raise ValueError(f"needs (batch, channels, ...), got {x}")
        known_size(x, 1)
        return x

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec, radius = context.ops, context.call.in_specs[0], self.depth_radius
        values, channels = ops.astype(x, context.wide(spec.dtype)), known_size(spec, 1)
        squares = ops.pad(values * values, ((0, 0), (radius, radius), *((0, 0),) * (spec.rank - 2)))
        total = squares[:, :channels]
        for first in range(1, 2 * radius + 1):
            total = total + squares[:, first : first + channels]
        return ops.astype(values / (total * self.alpha + self.bias) ** self.beta, spec.dtype)
