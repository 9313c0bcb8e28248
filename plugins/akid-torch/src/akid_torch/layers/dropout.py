"""Native dropout: the core's masks to the bit, with what is constant kept from call to call."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from akid_core.backends.contract import Built
from akid_core.layers.dropout import Dropout
from akid_core.random import elements, row_bits
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame, FrameModule


class NativeDropout(FrameModule):
    """Keep an element where the upper 24 bits of its word are below (1 - rate) * 2^24."""

    def __init__(self, layer: Dropout, image: TensorSpec, context: BuildContext) -> None:
        super().__init__()
        self.rate, self.key, self.ops = layer.rate, context.key, context.ops
        self.threshold = math.ceil((1.0 - layer.rate) * (1 << 24))
        # The index of an element is that of the canonical layout; the tensor lies in memory as the images do.
        index = torch.tensor(elements(image.row), device="cpu")
        if context.channels_last and index.dim() == 3:
            index = index.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        self._elements = index

    def forward(self, frame: Frame, x: Tensor) -> Tensor:
        if not frame.training or self.rate == 0:
            return x
        if self._elements.device != x.device:
            self._elements = self._elements.to(x.device)
        bits = row_bits(self.ops, self.key, frame.step, frame.rows, self._elements)
        keep = bits.bitwise_right_shift_(8).bitwise_and_(0xFFFFFF) < self.threshold
        return torch.where(keep, x * (1.0 / (1.0 - self.rate)), 0.0)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


def build(layer: Dropout, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(NativeDropout(layer, in_specs[0], context), {})
