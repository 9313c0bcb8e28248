"""Native recurrent layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers.recurrent import GRU, LSTM
from akid_core.specs.tensor import TensorSpec
from akid_torch import portable
from akid_torch.context import BuildContext, Frame
from akid_torch.portable import Portable


class NativeRecurrent(Portable):
    """torch's kernel over whole sequences. It adds a second bias for each gate, of which only GRU's last is ours."""

    layer: LSTM | GRU

    def forward(self, frame: Frame, x: Tensor) -> Any:
        if self.layer.reverse:
            x = x.flip(1)
        sequence, last = self._walk(x, frame.training)
        if not self.layer.return_sequences:
            return last[0]
        return sequence.flip(1) if self.layer.reverse else sequence

    def _walk(self, x: Tensor, training: bool) -> tuple[Tensor, Tensor]:
        """The output after each step (batch, steps, units), and that after the last one (1, batch, units)."""
        units, bias = self.layer.units, self._parameters["bias"]
        start = x.new_zeros(1, x.shape[0], units)
        weights = [self._parameters["weight"].T, self._parameters["recurrent_weight"].T, bias]
        settings = (True, 1, 0.0, training, False, True)  # biases, layers, dropout, training, both ways, batch first
        if isinstance(self.layer, LSTM):
            sequence, last, _ = torch.lstm(x, [start, start], [*weights, torch.zeros_like(bias)], *settings)
        else:
            second = functional.pad(self._parameters["recurrent_bias"], (2 * units, 0))
            sequence, last = torch.gru(x, start, [*weights, second], *settings)
        return sequence, last


def build(layer: LSTM | GRU, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The kernel takes no mask: with one, the portable definition runs, step by step."""
    return NativeRecurrent(layer, context).built if len(in_specs) == 1 else portable.build(layer, context)
