"""Native attention."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers.attention import MultiHeadAttention
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame
from akid_torch.portable import Portable


class NativeAttention(Portable):
    """torch's fused attention; a step without keys takes 0 of the values there, too.

    Training with dropout runs portably: the kernel draws masks of its own.
    """

    layer: MultiHeadAttention

    def __init__(self, layer: MultiHeadAttention, context: BuildContext) -> None:
        super().__init__(layer, context)
        self._size = layer.size(context.call.in_specs[0])

    def forward(self, frame: Frame, *inputs: Tensor) -> Any:
        if frame.training and self.layer.dropout:
            return super().forward(frame, *inputs)
        query, key, value = map(self._heads, ("query", "key", "value"), self.layer.sources(inputs))
        allowed = inputs[-1].bool()[:, None, None, :] if self.layer.masked(inputs) else None
        causal = self.layer.causal
        if allowed is not None and causal:  # the kernel takes one or the other
            steps = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device)
            allowed, causal = allowed & steps.tril(), False
        heads = functional.scaled_dot_product_attention(query, key, value, allowed, is_causal=causal)
        return self._project("output", heads.transpose(1, 2).flatten(2))

    def _heads(self, name: str, x: Tensor) -> Tensor:
        return self._project(name, x).unflatten(2, (self.layer.heads, self._size)).transpose(1, 2)

    def _project(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self._parameters[f"{name}_weight"].T, self._parameters.get(f"{name}_bias"))


def build(layer: MultiHeadAttention, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeAttention(layer, context).built
