"""Native activations."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers.activation import GELU, LeakyReLU, PReLU, ReLU, ReLU6, Sigmoid, SiLU, Softmax, Tanh
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame
from akid_torch.portable import Portable


class NativePReLU(Portable):
    """torch's kernel, which takes one slope or one for each channel."""

    def forward(self, frame: Frame, x: Tensor) -> Tensor:
        return functional.prelu(x, self._parameters["slope"])


def build_relu(layer: ReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The derivative of torch's kernel at 0 is 0, as the core's."""
    return Built(nn.ReLU(), {})


def build_relu6(layer: ReLU6, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The derivative of torch's kernel at 0 and at 6 is 0, as the core's."""
    return Built(nn.ReLU6(), {})


def build_leaky_relu(layer: LeakyReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The derivative of torch's kernel at 0 is the slope, as the core's."""
    return Built(nn.LeakyReLU(layer.negative_slope), {})


def build_prelu(layer: PReLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The derivative of torch's kernel at 0 is the learnt slope, as the core's."""
    return NativePReLU(layer, context).built


def build_gelu(layer: GELU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Beyond 1e19 the cube in torch's kernel of the approximation overflows, and its gradient is not a number."""
    return Built(nn.GELU(layer.approximate), {})


def build_silu(layer: SiLU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(nn.SiLU(), {})


def build_tanh(layer: Tanh, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(nn.Tanh(), {})


def build_sigmoid(layer: Sigmoid, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(nn.Sigmoid(), {})


def build_softmax(layer: Softmax, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(nn.Softmax(layer.axis), {})
