"""Native activations."""

from __future__ import annotations

from torch import nn

from akid_core.backends.contract import Built
from akid_core.layers.activation import ReLU, Sigmoid, Tanh
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext


def build_relu(layer: ReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The derivative of torch's kernel at 0 is 0, as the core's."""
    return Built(nn.ReLU(), {})


def build_tanh(layer: Tanh, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(nn.Tanh(), {})


def build_sigmoid(layer: Sigmoid, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(nn.Sigmoid(), {})
