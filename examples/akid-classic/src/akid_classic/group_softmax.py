"""Softmax within groups of channels, where each group may also choose none of its members."""

from __future__ import annotations

import math
from dataclasses import dataclass

from akid_core.initializers import Constant
from akid_core.ops import Array, Ops
from akid_core.specs import Layer, Loss, ParamSpec, TensorSpec
from akid_core.specs.context import Context

NONE = 1.0
"""The score of choosing none, against which the members of a group are held."""


@dataclass(frozen=True, kw_only=True)
class GroupSoftmax(Layer):
    """exp(x_i / T) / (sum over the group of exp(x_j / T) + exp(1 / T)), over groups of consecutive channels (axis 1).

    So a group's outputs sum to less than 1, what is missing being the probability of none; a group of one channel is
    sigmoid((x - 1) / T). `group_size`: channels in a group. `temperature`: T, or where it starts with
    `learn_temperature`.

    x: (batch, channels, ...) -> the same shape. temperature: (1,), if it is learned.
    """

    group_size: int = 4
    temperature: float = 1.0
    learn_temperature: bool = False

    def __post_init__(self) -> None:
        _check(self.group_size, self.temperature)

    def outputs(self, x: TensorSpec) -> TensorSpec:
        if not x.floating or x.rank < 2:
            raise ValueError(f"needs floating numbers (batch, channels, ...), got {x}")
        _groups(x, self.group_size)
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        if not self.learn_temperature:
            return ()
        return (ParamSpec(name="temperature", shape=(1,), init=Constant(value=self.temperature)),)

    def forward(self, context: Context, x: Array) -> Array:
        ops, spec = context.ops, context.call.in_specs[0]
        wide = context.wide(spec.dtype)
        grouped = ops.reshape(ops.astype(x, wide), (-1, _groups(spec, self.group_size), self.group_size, *spec.row[1:]))
        temperature = ops.astype(context.params["temperature"], wide) if self.learn_temperature else self.temperature
        chosen = choices(ops, grouped / temperature, NONE / temperature)
        return ops.astype(ops.reshape(chosen, (-1, *spec.row)), spec.dtype)


@dataclass(frozen=True, kw_only=True)
class GroupSoftmaxCrossEntropy(Loss):
    """The mean over groups of -log of the probability that `GroupSoftmax` gives to each group's label.

    A label that names no member makes the row's value not a number, so that it stops training unless the row's sample
    weight is 0.

    logits: (batch, groups * group_size). labels: (batch, groups) integers: the member of each group, 0 to
    group_size - 1, or `group_size` for none.
    """

    group_size: int = 4
    temperature: float = 1.0

    def __post_init__(self) -> None:
        _check(self.group_size, self.temperature)

    def check(self, logits: TensorSpec, labels: TensorSpec) -> None:
        if not logits.floating or logits.rank != 2:
            raise ValueError(f"takes logits (batch, groups * group_size), got {logits}")
        groups = _groups(logits, self.group_size)
        if labels.floating or labels.shape[1:] != (groups,):
            raise ValueError(f"takes integer labels (batch, {groups}), one for each group, got {labels}")

    def forward(self, context: Context, logits: Array, labels: Array) -> tuple[Array, Array]:
        ops, spec = context.ops, context.call.in_specs[0]
        wide = context.wide(spec.dtype)
        grouped = ops.reshape(ops.astype(logits, wide), (-1, _groups(spec, self.group_size), self.group_size))
        scores = ops.concat([grouped, ops.zeros_like(grouped[:, :, :1]) + NONE], axis=2) * (1.0 / self.temperature)
        shifted = scores - ops.stop_gradient(ops.max(scores, axis=2, keepdims=True))
        logs = shifted - ops.log(ops.sum(ops.exp(shifted), axis=2, keepdims=True))
        labels = ops.astype(labels, "int64")
        chosen = ops.sum(logs * ops.one_hot(labels, self.group_size + 1, wide), axis=2)
        named = ops.logical_and(labels >= 0, labels <= self.group_size)
        value = -ops.mean(ops.where(named, chosen, math.nan), axis=1)
        return value, ops.zeros_like(value) + 1.0


def choices(ops: Ops, scores: Array, none: Array | float) -> Array:
    """The probabilities of the members of each group; scores: (batch, groups, members, ...), none: its one score."""
    largest = ops.max(scores, axis=2, keepdims=True)
    shift = ops.stop_gradient(ops.maximum(largest, ops.zeros_like(largest) + none))
    powers = ops.exp(scores - shift)
    return powers / (ops.sum(powers, axis=2, keepdims=True) + ops.exp(none - shift))


def _groups(x: TensorSpec, size: int) -> int:
    """How many groups the channels fall into."""
    channels = x.row[0]
    if channels % size:
        raise ValueError(f"{channels} channels do not fall into groups of {size}: change group_size")
    return channels // size


def _check(group_size: int, temperature: float) -> None:
    if group_size < 1:
        raise ValueError(f"group_size must be at least 1, got {group_size}")
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
