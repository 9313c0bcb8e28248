"""Batch normalisation."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.initializers import Ones, Zeros
from akid_core.layers.checks import check_floating, known_size
from akid_core.specs.checks import check_epsilon
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec, wider


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Layer):
    """Normalise each channel (axis 1): (x - mean) / sqrt(variance + epsilon) * scale + shift.

    In training with the mean and the biased variance of the batch (and of space, if there is any), which also move the
    running ones: running = decay * running + (1 - decay) * batch, where the batch's variance is made unbiased by
    n / (n - 1). A batch without rows leaves them. In evaluation with the running ones. All statistics are at least
    float32. Source: Ioffe and Szegedy, "Batch normalization", 2015.

    x: (batch, channels, ...) -> the same shape. scale, shift, mean, variance: (channels,); the last two are state.
    """

    scale: bool = True
    shift: bool = True
    decay: float = 0.9
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay is how much of the running statistics stays, from 0 to 1, got {self.decay!r}")
        check_epsilon(self.epsilon, 1e-5)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if check_floating(x).rank < 2:
            raise ValueError(f"needs (batch, channels, ...), got {x}")
        known_size(x, 1)
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        shape, dtype = (known_size(x, 1),), wider(x.dtype)
        weights = (
            ParamSpec(name="scale", shape=shape, axes="C", init=Ones()) if self.scale else None,
            ParamSpec(name="shift", shape=shape, axes="C", init=Zeros()) if self.shift else None,
        )
        return (
            *(weight for weight in weights if weight is not None),
            ParamSpec(name="mean", shape=shape, axes="C", init=Zeros(), role="state", dtype=dtype),
            ParamSpec(name="variance", shape=shape, axes="C", init=Ones(), role="state", dtype=dtype),
        )

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        wide = context.wide(spec.dtype)
        along = (1, -1, *(1,) * (spec.rank - 2))
        params = {name: ops.reshape(ops.astype(value, wide), along) for name, value in context.params.items()}
        values = ops.astype(x, wide)

        if context.training:
            mean = ops.mean(values, axis=(0, *range(2, spec.rank)), keepdims=True)
            centred = values - mean
            variance = ops.mean(centred * centred, axis=(0, *range(2, spec.rank)), keepdims=True)
            count = ops.sum(ops.zeros_like(values[:, :1]) + 1.0)
            variance = ops.where(count > 0, variance, 1.0)  # the mean of no values is no number
            self.follow(context, count, mean, variance)
        else:
            centred, variance = values - params["mean"], params["variance"]

        factor = 1.0 / ops.sqrt(variance + self.epsilon)
        out = centred * (factor * params["scale"] if self.scale else factor)
        return ops.astype(out + params["shift"] if self.shift else out, spec.dtype)

    def follow(self, context: Context, count: Array, mean: Array, variance: Array) -> None:
        """Move the running statistics towards those of the batch, of `count` values for each channel."""
        ops, spec = context.ops, context.call.in_specs[0]
        # A single value has no unbiased variance: its biased one, 0, is taken.
        unbiased = variance * (count / ops.maximum(count - 1.0, 1.0))
        for name, value in (("mean", mean), ("variance", unbiased)):
            running = context.params[name]
            batch = ops.astype(ops.reshape(ops.stop_gradient(value), (-1,)), wider(spec.dtype))
            context.update(name, ops.where(count > 0, running * self.decay + batch * (1.0 - self.decay), running))
