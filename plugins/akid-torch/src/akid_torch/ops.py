"""The portable operations on torch tensors; whatever layer is defined in them runs here and is differentiable.

Where torch breaks a tie otherwise than the core (`amax`, `maximum` and `minimum` share a gradient among equals), the
operation is written so that the first one receives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from akid_core.ops import Axis
from akid_core.ops.known import KnownOps

DTYPES: dict[str, torch.dtype] = {
    "bool": torch.bool,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
"""The torch types by the names that specs use."""


class TorchOps(KnownOps):
    """`akid_core.ops.Ops` on tensors of one device."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)

    # creation and types
    def asarray(self, value: Any, dtype: str) -> Tensor:
        return torch.as_tensor(value, dtype=DTYPES[dtype], device=self.device)

    def astype(self, x: Tensor, dtype: str) -> Tensor:
        return x.to(DTYPES[dtype])

    def zeros_like(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)

    # element-wise
    def abs(self, x: Tensor) -> Tensor:
        return torch.abs(x)

    def exp(self, x: Tensor) -> Tensor:
        return torch.exp(x)

    def log(self, x: Tensor) -> Tensor:
        return torch.log(x)

    def sqrt(self, x: Tensor) -> Tensor:
        return torch.sqrt(x)

    def tanh(self, x: Tensor) -> Tensor:
        return torch.tanh(x)

    def sigmoid(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x)

    def erf(self, x: Tensor) -> Tensor:
        return torch.erf(x)

    def sin(self, x: Tensor) -> Tensor:
        return torch.sin(x)

    def cos(self, x: Tensor) -> Tensor:
        return torch.cos(x)

    def maximum(self, x: Tensor, y: Tensor | float) -> Tensor:
        return torch.where((x >= y) | x.isnan(), x, y)

    def minimum(self, x: Tensor, y: Tensor | float) -> Tensor:
        return torch.where((x <= y) | x.isnan(), x, y)

    def equal(self, x: Tensor, y: Tensor | float) -> Tensor:
        return torch.eq(x, y)

    def where(self, condition: Tensor, x: Tensor | float, y: Tensor | float) -> Tensor:
        return torch.where(condition, x, y)

    def logical_and(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.logical_and(x, y)

    def logical_not(self, x: Tensor) -> Tensor:
        return torch.logical_not(x)

    def bitwise_and(self, x: Tensor, y: Tensor | int) -> Tensor:
        return torch.bitwise_and(x, y)

    def bitwise_xor(self, x: Tensor, y: Tensor | int) -> Tensor:
        return torch.bitwise_xor(x, y)

    def bitwise_right_shift(self, x: Tensor, y: int) -> Tensor:
        return torch.bitwise_right_shift(x, y)

    # reductions
    def sum(self, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return torch.sum(x, _axes(x, axis), keepdim=keepdims, dtype=x.dtype)

    def mean(self, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return torch.mean(x, _axes(x, axis), keepdim=keepdims)

    def max(self, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        # Along one axis torch gives the gradient to the first maximum, so several axes are laid into one.
        axes = _axes(x, axis)
        kept = [place for place in range(x.dim()) if place not in axes]
        rows = x.permute(*kept, *axes).flatten(len(kept))
        largest = torch.max(rows, dim=-1).values
        if not keepdims:
            return largest
        return largest.reshape([1 if place in axes else size for place, size in enumerate(x.shape)])

    def argmax(self, x: Tensor, axis: int) -> Tensor:
        return torch.argmax(x, dim=axis)

    def cumulative_sum(self, x: Tensor, axis: int) -> Tensor:
        return torch.cumsum(x, dim=axis, dtype=x.dtype)

    # shape
    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        return torch.reshape(x, tuple(shape))

    def permute_dims(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        return torch.permute(x, tuple(axes))

    def broadcast_to(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        return torch.broadcast_to(x, tuple(shape))

    def concat(self, arrays: Sequence[Tensor], axis: int) -> Tensor:
        return torch.cat(tuple(arrays), dim=axis)

    def pad(self, x: Tensor, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
        return functional.pad(x, [width for pair in reversed(widths) for width in pair], value=value)

    def flip(self, x: Tensor, axis: int) -> Tensor:
        return torch.flip(x, (axis,))

    def windows(self, x: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
        # Each `unfold` appends the axis of its windows; dilation takes every `gap`-th element of a wider window.
        for axis, (size, step, gap) in enumerate(zip(kernel, stride, dilation, strict=True), start=2):
            x = x.unfold(axis, gap * (size - 1) + 1, step)[..., ::gap]
        return x

    # linear algebra and indexing
    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.matmul(x, y)

    def take(self, x: Tensor, indices: Tensor, axis: int) -> Tensor:
        rows = torch.index_select(x, axis, indices.reshape(-1))
        axis %= x.dim()
        return rows.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])

    def one_hot(self, indices: Tensor, depth: int, dtype: str) -> Tensor:
        # A comparison rather than `functional.one_hot`, which refuses indices out of range: they give a row of zeros.
        return torch.eq(indices[..., None], torch.arange(depth, device=indices.device)).to(DTYPES[dtype])

    def stop_gradient(self, x: Tensor) -> Tensor:
        return x.detach()


def array(tensor: Tensor) -> np.ndarray:
    """A copy on the host; NumPy has no bfloat16, whose numbers become float32."""
    tensor = tensor.detach().float() if tensor.dtype == torch.bfloat16 else tensor.detach()
    return np.array(tensor.cpu().numpy(), order="C")


def _axes(x: Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes as positive numbers in ascending order; None means all."""
    if axis is None:
        return tuple(range(x.dim()))
    return tuple(sorted(place % x.dim() for place in ((axis,) if isinstance(axis, int) else axis)))
