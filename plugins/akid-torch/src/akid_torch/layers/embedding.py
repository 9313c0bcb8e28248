"""Native embedding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers.embedding import Embedding
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame
from akid_torch.portable import Portable


class NativeEmbedding(Portable):
    """torch's kernel where every index names a row; other indices, and padding, take the portable way."""

    layer: Embedding

    def forward(self, frame: Frame, indices: Tensor) -> Any:
        if self.layer.padding_index is not None or not self._named(indices):
            return super().forward(frame, indices)
        return functional.embedding(indices.long(), self._parameters["weight"])

    def _named(self, indices: Tensor) -> bool:
        """Whether all are in the table, as far as that can be seen without waiting for a device.

        What only stands for values, while a step is recorded or compiled, is of another class than `Tensor`.
        """
        recorded = torch.compiler.is_compiling() or type(indices) is not Tensor
        if recorded or indices.device.type != "cpu" or not indices.numel():
            return False
        least, most = torch.aminmax(indices)
        return int(least) >= 0 and int(most) < self.layer.entries


def build(layer: Embedding, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeEmbedding(layer, context).built
