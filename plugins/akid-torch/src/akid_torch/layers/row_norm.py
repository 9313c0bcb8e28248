"""Native normalisation inside each row."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from akid_core.backends.contract import Built
from akid_core.layers.checks import check_axes
from akid_core.layers.row_norm import GroupNorm, LayerNorm, RMSNorm
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext, Frame
from akid_torch.portable import Portable


class Trailing(Portable):
    """A norm whose kernel wants its axes last: others are moved there and back, which copies nothing by itself."""

    layer: LayerNorm | RMSNorm

    def __init__(self, layer: LayerNorm | RMSNorm, context: BuildContext) -> None:
        super().__init__(layer, context)
        (spec,) = context.call.in_specs
        axes = check_axes(spec, layer.axis)
        self._count = len(axes)
        order = (*(axis for axis in range(spec.rank) if axis not in axes), *axes)
        self._there = None if order == tuple(range(spec.rank)) else order
        self._back = tuple(order.index(axis) for axis in range(spec.rank))

    def forward(self, frame: Frame, x: Tensor) -> Tensor:
        if self._there is None:
            return self.normed(x, x.shape[-self._count :])
        turned = x.permute(self._there)
        return self.normed(turned, turned.shape[-self._count :]).permute(self._back)

    def normed(self, x: Tensor, sizes: torch.Size) -> Tensor:
        """The kernel, along the last axes, which have these sizes."""
        raise NotImplementedError


class NativeLayerNorm(Trailing):
    """torch's kernel for layer normalisation."""

    layer: LayerNorm

    def normed(self, x: Tensor, sizes: torch.Size) -> Tensor:
        weights = self._parameters
        return functional.layer_norm(x, sizes, weights.get("scale"), weights.get("shift"), self.layer.epsilon)


class NativeRMSNorm(Trailing):
    """torch's kernel for root-mean-square normalisation."""

    layer: RMSNorm

    def normed(self, x: Tensor, sizes: torch.Size) -> Tensor:
        return functional.rms_norm(x, list(sizes), self._parameters.get("scale"), self.layer.epsilon)


class NativeGroupNorm(Portable):
    """torch's kernel for group normalisation."""

    layer: GroupNorm

    def forward(self, frame: Frame, x: Tensor) -> Tensor:
        # The operation, since the function around it refuses groups of a single value, which give the shift.
        scale, shift = self._parameters.get("scale"), self._parameters.get("shift")
        if scale is None and shift is not None:  # the backward pass of the kernel wants both or none
            scale = torch.ones_like(shift)
        if self.layer.groups == x.shape[1]:  # ten times as fast where each channel lies together
            x = x.contiguous()
        return torch.group_norm(x, self.layer.groups, scale, shift, self.layer.epsilon)


def build_layer_norm(layer: LayerNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeLayerNorm(layer, context).built


def build_rms_norm(layer: RMSNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeRMSNorm(layer, context).built


def build_group_norm(layer: GroupNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return NativeGroupNorm(layer, context).built
