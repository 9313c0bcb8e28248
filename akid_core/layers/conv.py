"""Convolution."""

from __future__ import annotations

from dataclasses import dataclass, field

from akid_core.initializers import HeUniform, Initializer, Zeros
from akid_core.layers.padding import Padding, Pair, Windows, pair, read_padding, read_pair
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Conv2d(Layer):
    """Slide `channels` filters over an image: out[o, y, x] = bias[o] + sum of weight[o] * the window at (y, x).

    The filter is not flipped (cross-correlation). `kernel`, `stride`, `dilation`: one number or (vertical,
    horizontal). `padding`: `"same"` gives ceil(size / stride) rows and columns, `"valid"` none; or numbers, see
    `akid_core.layers.padding.Padding`. With `groups` g the channels fall into g parts that do not see each other.

    x: (batch, in, height, width) -> (batch, channels, rows, columns). weight: OIHW (channels, in / groups, tall, wide).
    bias: (channels,).
    """

    channels: int
    kernel: Pair
    stride: Pair = 1
    padding: Padding = "valid"
    dilation: Pair = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initializer = field(default_factory=HeUniform)
    bias_init: Initializer = field(default_factory=Zeros)

    def __post_init__(self) -> None:
        if self.groups < 1 or self.channels < 1 or self.channels % self.groups:
            raise ValueError(
                f"channels must be a positive multiple of groups, got channels={self.channels} and groups={self.groups}"
            )
        for name in ("kernel", "stride", "dilation"):
            object.__setattr__(self, name, read_pair(name, getattr(self, name)))
        object.__setattr__(self, "padding", read_padding(self.padding))

    def windows(self, x: TensorSpec) -> Windows:
        """Where the kernel lies over images of the given spec."""
        return Windows.over(x, self.kernel, self.stride, self.padding, self.dilation)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        rows, columns = self.windows(x).out
        if x.row[0] % self.groups:
            raise ValueError(f"{x.row[0]} channels do not fall into {self.groups} equal groups: change groups")
        return x.with_shape(x.shape[0], self.channels, rows, columns, axes="NCHW")

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        tall, wide = pair(self.kernel)
        entering, leaving = x.row[0] // self.groups, self.channels // self.groups
        weight = ParamSpec(
            name="weight",
            shape=(self.channels, entering, tall, wide),
            axes="OIHW",
            init=self.weight_init,
            fan_in=entering * tall * wide,
            fan_out=leaving * tall * wide,
        )
        bias = ParamSpec(name="bias", shape=(self.channels,), axes="O", init=self.bias_init)
        return (weight, bias) if self.bias else (weight,)

    def forward(self, context: Context, x: Array) -> Array:
        """One matrix product for each group: (images * positions, window) @ (window, channels / groups)."""
        ops, windows = context.ops, self.windows(context.call.in_specs[0])
        entering, leaving = context.call.in_specs[0].row[0] // self.groups, self.channels // self.groups
        size = entering * windows.kernel[0] * windows.kernel[1]

        seen = ops.windows(ops.pad(x, windows.pads), windows.kernel, windows.stride, windows.dilation)
        seen = ops.reshape(seen, (-1, self.groups, entering, *windows.out, *windows.kernel))
        seen = ops.reshape(ops.permute_dims(seen, (1, 0, 3, 4, 2, 5, 6)), (self.groups, -1, size))
        weight = ops.reshape(context.params["weight"], (self.groups, leaving, size))
        out = ops.matmul(seen, ops.permute_dims(weight, (0, 2, 1)))
        out = ops.reshape(out, (self.groups, -1, *windows.out, leaving))
        out = ops.reshape(ops.permute_dims(out, (1, 0, 4, 2, 3)), (-1, self.channels, *windows.out))
        if self.bias:
            out = out + ops.reshape(context.params["bias"], (1, self.channels, 1, 1))
        return out
