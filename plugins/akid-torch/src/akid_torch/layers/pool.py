"""Native pooling."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from akid_core.backends.contract import Built
from akid_core.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext
from akid_torch.layers.padding import symmetric, with_padding


class UnevenAvgPool2d(nn.Module):
    """The mean of each window without the padding, for padding that torch's own kernel does not take."""

    def __init__(self, layer: AvgPool2d, image: TensorSpec, dtype: torch.dtype) -> None:
        super().__init__()
        windows = layer.windows(image)
        pool = nn.AvgPool2d(windows.kernel, windows.stride, divisor_override=1)
        self.sums = with_padding(windows.widths, 0.0, pool)
        # A plain attribute, made where values are: modules are built without storage, and this is no parameter.
        self._counts = torch.tensor(layer.counts(image), dtype=dtype, device="cpu")

    def forward(self, x: Tensor) -> Tensor:
        if self._counts.device != x.device:
            self._counts = self._counts.to(x.device)
        return self.sums(x) / self._counts  # type: ignore[no-any-return]


class GlobalAvgPool(nn.Module):
    """The mean over height and width."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def build_max(layer: MaxPool2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Of equal values in a window torch's kernel takes the first in row-major order, as the core does."""
    windows = layer.windows(in_specs[0])
    even = symmetric(windows.widths, most=_half(windows.kernel))
    pool = nn.MaxPool2d(windows.kernel, windows.stride, padding=even or 0)
    return Built(pool if even else with_padding(windows.widths, -math.inf, pool), {})


def build_avg(layer: AvgPool2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    windows = layer.windows(in_specs[0])
    even = symmetric(windows.widths, most=_half(windows.kernel))
    if even is None:
        return Built(UnevenAvgPool2d(layer, in_specs[0], context.dtype), {})
    return Built(nn.AvgPool2d(windows.kernel, windows.stride, padding=even, count_include_pad=False), {})


def build_global_avg(layer: GlobalAvgPool2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(GlobalAvgPool(), {})


def _half(kernel: tuple[int, int]) -> tuple[int, int]:
    """The widest padding that torch's pooling takes."""
    return kernel[0] // 2, kernel[1] // 2
