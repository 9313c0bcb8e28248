"""Native pooling."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from akid_core.backends.contract import Built
from akid_core.layers.pool import AvgPool, MaxPool
from akid_core.layers.pool_global import GlobalAvgPool, GlobalMaxPool
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext
from akid_torch.layers.padding import symmetric, with_padding
from akid_torch.ops import DTYPES

_MAX = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
_MEAN = {1: nn.AvgPool1d, 2: nn.AvgPool2d}
_GLOBAL_MAX = {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d}


class UnevenAvgPool(nn.Module):
    """The mean of each window without the padding, for padding that torch's own kernel does not take."""

    def __init__(self, layer: AvgPool, x: TensorSpec) -> None:
        super().__init__()
        windows = layer.windows(x)
        pool = _MEAN[layer.space](windows.kernel, windows.stride)
        self.means = with_padding(windows.widths, 0.0, pool)
        # A plain attribute, made where values are: modules are built without storage, and this is no parameter.
        share = layer.counts(x) / math.prod(windows.kernel)
        self._share = torch.tensor(share, dtype=DTYPES[x.dtype], device="cpu")

    def forward(self, x: Tensor) -> Tensor:
        if self._share.device != x.device:
            self._share = self._share.to(x.device)
        return self.means(x) / self._share  # type: ignore[no-any-return]


class GlobalMean(nn.Module):
    """The mean over all of space."""

    def __init__(self, along: tuple[int, ...]) -> None:
        super().__init__()
        self.along = along

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.along)


def build_max(layer: MaxPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Of equal values in a window torch's kernel takes the first in row-major order, as the core does."""
    windows = layer.windows(in_specs[0])
    even = symmetric(windows.widths, most=_half(windows.kernel))
    pool = _MAX[layer.space](windows.kernel, windows.stride, padding=even or 0)
    return Built(pool if even else with_padding(windows.widths, -math.inf, pool), {})


def build_avg(layer: AvgPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    windows = layer.windows(in_specs[0])
    even = symmetric(windows.widths, most=_half(windows.kernel))
    if even is None:
        return Built(UnevenAvgPool(layer, in_specs[0]), {})
    return Built(_MEAN[layer.space](windows.kernel, windows.stride, padding=even, count_include_pad=False), {})


def build_global_avg(layer: GlobalAvgPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(GlobalMean(layer.along), {})


def build_global_max(layer: GlobalMaxPool, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Of equal values torch's kernel takes the first in row-major order, as the core does."""
    return Built(nn.Sequential(_GLOBAL_MAX[layer.space](1), nn.Flatten(1)), {})


def _half(kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The widest padding that torch's pooling takes."""
    return tuple(size // 2 for size in kernel)
