"""SelfNormalizedConv2d."""

from __future__ import annotations

from dataclasses import dataclass, fields

from akid_core.initializers import Ones, Zeros
from akid_core.layers import Conv2d
from akid_core.ops import Array
from akid_core.specs import ParamSpec, TensorSpec
from akid_core.specs.context import Context
from akid_core.specs.tensor import wider


@dataclass(frozen=True, kw_only=True)
class SelfNormalizedConv2d(Conv2d):
    """A convolution whose output has, in each channel, mean 0 and deviation 1, and then a bias.

    In training by the mean and variance of the batch over all places, which also move the running ones; in evaluation
    by the running ones: running = decay * running + (1 - decay) * batch. `epsilon` is added to the variance. Other
    settings and shapes as in `Conv2d`. mean, variance: (channels,), state.
    """

    decay: float = 0.9
    epsilon: float = 1e-5

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        shape, dtype = (self.channels,), wider(x.dtype)
        return (
            *super().params(x),
            ParamSpec(name="mean", shape=shape, axes="O", init=Zeros(), role="state", dtype=dtype),
            ParamSpec(name="variance", shape=shape, axes="O", init=Ones(), role="state", dtype=dtype),
        )

    def forward(self, context: Context, x: Array) -> Array:
        ops, dtype = context.ops, context.call.in_specs[0].dtype
        wide = context.wide(dtype)
        out = ops.astype(self.convolution().forward(context, x), wide)
        mean, variance = (ops.reshape(ops.astype(context.params[name], wide), (1, -1, 1, 1)) for name in _STATE)
        if context.training:
            mean = ops.mean(out, axis=(0, 2, 3), keepdims=True)
            variance = ops.mean((out - mean) ** 2.0, axis=(0, 2, 3), keepdims=True)
            self.follow(context, mean, variance)
        out = ops.astype((out - mean) / ops.sqrt(variance + self.epsilon), dtype)
        return out + ops.reshape(context.params["bias"], (1, -1, 1, 1)) if self.bias else out

    def convolution(self) -> Conv2d:
        """The plain convolution inside, without bias."""
        return Conv2d(**{field.name: getattr(self, field.name) for field in fields(Conv2d)} | {"bias": False})

    def follow(self, context: Context, mean: Array, variance: Array) -> None:
        """Move the running statistics towards those of the batch."""
        ops = context.ops
        for name, value in zip(_STATE, (mean, variance), strict=True):
            running = context.params[name]
            batch = ops.astype(ops.reshape(ops.stop_gradient(value), (-1,)), wider(context.call.in_specs[0].dtype))
            context.update(name, running * self.decay + batch * (1.0 - self.decay))


_STATE = ("mean", "variance")
