"""Native joins of several tensors."""

from __future__ import annotations

from functools import reduce
from operator import add, mul

import torch
from torch import Tensor, nn

from akid_core.backends.contract import Built
from akid_core.layers import Add, Concat, Multiply, Stack
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext


class NativeAdd(nn.Module):
    """The inputs, one added to the other."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return reduce(add, inputs)


class NativeMultiply(nn.Module):
    """The inputs, one multiplied by the other."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return reduce(mul, inputs)


class NativeConcat(nn.Module):
    """The inputs, one after another along an axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, self.axis)


class NativeStack(nn.Module):
    """The inputs, side by side along a new axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.stack(inputs, self.axis)


def build_add(layer: Add, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeAdd(), {})


def build_multiply(layer: Multiply, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeMultiply(), {})


def build_concat(layer: Concat, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeConcat(layer.axis), {})


def build_stack(layer: Stack, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeStack(layer.axis), {})
