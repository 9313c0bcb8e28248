"""Native fully connected layer."""

from __future__ import annotations

from torch import nn

from akid_core.backends.contract import Built, Place
from akid_core.layers.checks import known_size
from akid_core.layers.dense import Dense
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext


def build(layer: Dense, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """One call of `nn.Linear`, whose weight lies as (units, in)."""
    module = nn.Linear(known_size(in_specs[0], -1), layer.units, bias=layer.bias, dtype=context.dtype)
    places = {"weight": Place("weight", "OI"), "bias": Place("bias", "O")}
    return Built(module, {spec.name: places[spec.name] for spec in context.call.params})
