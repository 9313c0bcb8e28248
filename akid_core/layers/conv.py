"""Convolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from akid_core.initializers import HeUniform, Initializer, Zeros
from akid_core.layers.checks import SPACE, check_space
from akid_core.layers.padding import Padding, Sizes, each, read_padding, read_sizes
from akid_core.layers.windows import Windows
from akid_core.ops import Ops
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Convolution(Layer):
    """What convolutions share: `channels` filters over `space` axes of space, in groups, and a bias for each.

    `kernel`, `stride`, `dilation`: one number, or one for each axis of space. `padding`: `"same"`, `"valid"` or
    numbers, see `akid_core.layers.padding.Padding`. With `groups` g the channels fall into g parts that do not see each
    other; with as many groups as channels come in, the convolution is depthwise.
    """

    space: ClassVar[int]

    channels: int
    kernel: Sizes
    stride: Sizes = 1
    padding: Padding = "valid"
    dilation: Sizes = 1
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
            object.__setattr__(self, name, read_sizes(name, getattr(self, name), self.space))
        object.__setattr__(self, "padding", read_padding(self.padding, self.space))

    def windows(self, x: TensorSpec) -> Windows:
        """Where the kernel lies over values of the given spec."""
        check_space(x, self.space)
        return Windows.over(x, self.kernel, self.stride, self.padding, self.dilation)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        size = self._size(self.windows(x))
        if x.row[0] % self.groups:
            raise ValueError(f"{x.row[0]} channels do not fall into {self.groups} equal groups: change groups")
        return x.with_shape(x.shape[0], self.channels, *size, axes="NC" + SPACE[self.space])

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        entering, leaving = x.row[0] // self.groups, self.channels // self.groups
        reached, reaching = self._taps()
        weight = ParamSpec(
            name="weight",
            shape=(self.channels, entering, *each(self.kernel, self.space)),
            axes="OI" + SPACE[self.space],
            init=self.weight_init,
            fan_in=entering * reached,
            fan_out=leaving * reaching,
        )
        bias = ParamSpec(name="bias", shape=(self.channels,), axes="O", init=self.bias_init)
        return (weight, bias) if self.bias else (weight,)

    def forward(self, context: Context, x: Array) -> Array:
        out = self._weighed(context.ops, x, context.params["weight"], self.windows(context.call.in_specs[0]))
        if self.bias:
            out = out + context.ops.reshape(context.params["bias"], (1, self.channels, *(1,) * self.space))
        return out

    def _size(self, windows: Windows) -> tuple[int, ...]:
        """The size of the output along each axis of space."""
        return windows.out

    def _taps(self) -> tuple[int, int]:
        """How many places of one channel enter an output value, and how many an input value enters."""
        return (prod(each(self.kernel, self.space)),) * 2

    def _weighed(self, ops: Ops, x: Array, weight: Array, windows: Windows) -> Array:
        """What the filters make of x, without the bias."""
        return correlate(ops, ops.pad(x, windows.pads), weight, windows, self.groups)


@dataclass(frozen=True, kw_only=True)
class Conv1d(Convolution):
    """Slide `channels` filters over a sequence: out[o, t] = bias[o] + sum of weight[o] * the window at t.

    Settings as in `Conv2d`, with one axis of space; two numbers as `padding` are (left, right).

    x: (batch, in, length) -> (batch, channels, positions). weight: OIL (channels, in / groups, kernel). bias:
    (channels,).
    """

    space: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class Conv2d(Convolution):
    """Slide `channels` filters over an image: out[o, y, x] = bias[o] + sum of weight[o] * the window at (y, x).

    The filter is not flipped (cross-correlation). `kernel`, `stride`, `dilation`: one number or (vertical,
    horizontal). `padding`: `"same"` gives ceil(size / stride) rows and columns, `"valid"` none; or numbers, see
    `akid_core.layers.padding.Padding`. With `groups` g the channels fall into g parts that do not see each other; with
    as many groups as channels come in, the convolution is depthwise.

    x: (batch, in, height, width) -> (batch, channels, rows, columns). weight: OIHW (channels, in / groups, tall, wide).
    bias: (channels,).
    """

    space: ClassVar[int] = 2


def correlate(ops: Ops, x: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """Sums of windows times filters: one matrix product for each group, (rows * places, window) @ (window, channels).

    x: (batch, in, *space), padding included. weight: (channels, in / groups, *kernel). Returns (batch, channels, *out).
    """
    (channels, entering, *_), space, out = weight.shape, len(windows.kernel), windows.out
    places, offsets = range(3, 3 + space), range(3 + space, 3 + 2 * space)
    size = entering * prod(windows.kernel)

    seen = ops.windows(x, windows.kernel, windows.stride, windows.dilation)
    seen = ops.reshape(seen, (-1, groups, entering, *out, *windows.kernel))
    seen = ops.reshape(ops.permute_dims(seen, (1, 0, *places, 2, *offsets)), (groups, -1, size))
    filters = ops.permute_dims(ops.reshape(weight, (groups, channels // groups, size)), (0, 2, 1))
    sums = ops.reshape(ops.matmul(seen, filters), (groups, -1, *out, channels // groups))
    return ops.reshape(ops.permute_dims(sums, (1, 0, 2 + space, *range(2, 2 + space))), (-1, channels, *out))
