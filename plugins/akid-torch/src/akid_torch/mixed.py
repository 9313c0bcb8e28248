"""Mixed precision: parameters in one type, computation in a narrower one.

Parameters, gradients, optimizer state and running statistics keep the type of the parameters. A pass sees weights that
are cast, and autograd brings their gradients back.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from akid_core.graph.resolved import Call, Graph
from akid_core.specs.precision import Precision
from akid_torch.ops import DTYPES
from akid_torch.places import Home

NARROW = frozenset(
    {
        "add", "attach", "concat", "conv1d", "conv2d", "conv_transpose2d", "dense", "dropout", "embedding", "flatten",
        "gelu", "leaky_relu", "max_pool1d", "max_pool2d", "multiply", "pad", "prelu", "relu", "reshape", "sigmoid",
        "silu", "slice", "split", "stack", "tanh", "transpose", "unstack",
    }
)  # fmt: skip
"""Layers whose native modules mean the same in a narrow type: they form no sums but those that kernels form wide."""


Cast = tuple[Home, torch.dtype]
"""A weight, and the type in which its layer sees it."""


def casts(graph: Graph, homes: Mapping[str, Home]) -> list[Cast]:
    """The weights that are kept in another type than their layer computes in, which is that of its first input.

    A type that the layer itself states for a parameter stays, and so does all state.
    """
    if graph.precision.params == graph.precision.compute:
        return []
    found = {
        call.param_path(spec.name): DTYPES[_computed(call, graph.precision)]
        for call in graph.everything
        for spec in call.params
        if spec.trained and spec.dtype == graph.precision.params
    }
    return [(homes[path], dtype) for path, dtype in found.items()]


def _computed(call: Call, precision: Precision) -> str:
    return next((spec.dtype for spec in call.in_specs if spec.floating), precision.compute)
