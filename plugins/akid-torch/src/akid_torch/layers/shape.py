"""Native flattening."""

from __future__ import annotations

from torch import nn

from akid_core.backends.contract import Built
from akid_core.layers.shape import Flatten
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext


def build_flatten(layer: Flatten, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The order is that of the logical shape, wherever channels lie in memory."""
    return Built(nn.Flatten(1), {})
