"""The portable operations in NumPy, each with its vector-Jacobian product: what the other backends are measured by."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from akid_core.bundled.numpy.tape import Tensor, record, to_shape
from akid_core.ops import Axis
from akid_core.ops.known import KnownOps


class NumpyOps(KnownOps):
    """`akid_core.ops.Ops` on tensors of the tape."""

    # creation and types
    def asarray(self, value: Any, dtype: str) -> Tensor:
        return Tensor(np.asarray(value, dtype=dtype))

    def astype(self, x: Tensor, dtype: str) -> Tensor:
        return record(x.data.astype(dtype, copy=False), (x, lambda g: g.astype(x.dtype)))

    def zeros_like(self, x: Tensor) -> Tensor:
        return Tensor(np.zeros_like(x.data))

    # element-wise
    def abs(self, x: Tensor) -> Tensor:
        return record(np.abs(x.data), (x, lambda g: g * np.sign(x.data)))

    def exp(self, x: Tensor) -> Tensor:
        y = np.exp(x.data)
        return record(y, (x, lambda g: g * y))

    def log(self, x: Tensor) -> Tensor:
        return record(np.log(x.data), (x, lambda g: g / x.data))

    def sqrt(self, x: Tensor) -> Tensor:
        y = np.sqrt(x.data)
        return record(y, (x, lambda g: 0.5 * g / y))

    def tanh(self, x: Tensor) -> Tensor:
        y = np.tanh(x.data)
        return record(y, (x, lambda g: g * (1 - y * y)))

    def sigmoid(self, x: Tensor) -> Tensor:
        small = np.exp(-np.abs(x.data))  # never overflows
        y = np.where(x.data >= 0, 1, small) / (1 + small)
        return record(y, (x, lambda g: g * y * (1 - y)))

    def erf(self, x: Tensor) -> Tensor:
        # NumPy has no error function; Python's is exact to the last bits of float64.
        flat = np.fromiter(map(math.erf, x.data.ravel().tolist()), np.float64, x.data.size)
        y = flat.astype(x.dtype).reshape(x.shape)
        return record(y, (x, lambda g: g * (2 / math.sqrt(math.pi)) * np.exp(-x.data * x.data)))

    def sin(self, x: Tensor) -> Tensor:
        return record(np.sin(x.data), (x, lambda g: g * np.cos(x.data)))

    def cos(self, x: Tensor) -> Tensor:
        return record(np.cos(x.data), (x, lambda g: -g * np.sin(x.data)))

    def maximum(self, x: Tensor, y: Tensor | float) -> Tensor:
        y = x.operand(y)
        return self._choose(np.maximum(x.data, y.data), x.data >= y.data, x, y)

    def minimum(self, x: Tensor, y: Tensor | float) -> Tensor:
        y = x.operand(y)
        return self._choose(np.minimum(x.data, y.data), x.data <= y.data, x, y)

    def equal(self, x: Tensor, y: Tensor | float) -> Tensor:
        return x.compare(operator.eq, y)

    def where(self, condition: Tensor, x: Tensor | float, y: Tensor | float) -> Tensor:
        if isinstance(x, Tensor):
            y = x.operand(y)
        elif isinstance(y, Tensor):
            x = y.operand(x)
        else:
            raise TypeError("where takes a tensor on at least one side: two numbers have no type")
        return self._choose(np.where(condition.data, x.data, y.data), condition.data, x, y)

    def _choose(self, chosen: np.ndarray, first: np.ndarray, x: Tensor, y: Tensor) -> Tensor:
        """`chosen` is `x` where `first`, else `y`: the gradient goes to the one that was taken."""
        return record(
            chosen,
            (x, to_shape(x, lambda g: np.where(first, g, 0))),
            (y, to_shape(y, lambda g: np.where(first, 0, g))),
        )

    def logical_and(self, x: Tensor, y: Tensor) -> Tensor:
        return Tensor(np.logical_and(x.data, y.data))

    def logical_not(self, x: Tensor) -> Tensor:
        return Tensor(np.logical_not(x.data))

    def bitwise_and(self, x: Tensor, y: Tensor | int) -> Tensor:
        return Tensor(np.bitwise_and(x.data, x.operand(y).data))

    def bitwise_xor(self, x: Tensor, y: Tensor | int) -> Tensor:
        return Tensor(np.bitwise_xor(x.data, x.operand(y).data))

    def bitwise_right_shift(self, x: Tensor, y: int) -> Tensor:
        return Tensor(np.right_shift(x.data, x.operand(y).data))

    # reductions
    def sum(self, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        axes = _axes(x, axis)
        data = np.sum(x.data, axis=axes, keepdims=keepdims, dtype=x.dtype)
        return record(data, (x, lambda g: np.broadcast_to(_kept(g, x, axes), x.shape)))

    def mean(self, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        count = math.prod(x.shape[place] for place in _axes(x, axis))
        return self.sum(x, axis, keepdims) / float(count)

    def max(self, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        axes = _axes(x, axis)
        last = tuple(range(len(x.shape) - len(axes), len(x.shape)))

        def vjp(g: np.ndarray) -> np.ndarray:
            moved = np.moveaxis(x.data, axes, last)
            rows = moved.reshape(*moved.shape[: last[0]], math.prod(moved.shape[last[0] :]))
            gradient = np.zeros_like(rows)
            first = np.argmax(rows, axis=-1)[..., None]
            np.put_along_axis(gradient, first, g.reshape(first.shape), axis=-1)
            return np.moveaxis(gradient.reshape(moved.shape), last, axes)

        return record(np.max(x.data, axis=axes, keepdims=keepdims), (x, vjp))

    def argmax(self, x: Tensor, axis: int) -> Tensor:
        return Tensor(np.asarray(np.argmax(x.data, axis=axis), dtype=np.int64))

    def cumulative_sum(self, x: Tensor, axis: int) -> Tensor:
        data = np.cumsum(x.data, axis=axis, dtype=x.dtype)
        return record(data, (x, lambda g: np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)))

    # shape
    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        return record(x.data.reshape(tuple(shape)), (x, lambda g: g.reshape(x.shape)))

    def permute_dims(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        return record(x.data.transpose(axes), (x, lambda g: g.transpose(np.argsort(axes))))

    def broadcast_to(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        return record(np.broadcast_to(x.data, tuple(shape)), (x, to_shape(x)))

    def concat(self, arrays: Sequence[Tensor], axis: int) -> Tensor:
        first = arrays[0]
        ends = list(itertools.accumulate(x.shape[axis] for x in arrays))
        joined = np.concatenate([first.operand(x).data for x in arrays], axis=axis)
        return record(
            joined,
            *((x, lambda g, place=place: np.split(g, ends[:-1], axis=axis)[place]) for place, x in enumerate(arrays)),
        )

    def pad(self, x: Tensor, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
        inside = tuple(slice(before, before + size) for (before, _), size in zip(widths, x.shape, strict=True))
        return record(np.pad(x.data, widths, constant_values=value), (x, lambda g: g[inside]))

    def flip(self, x: Tensor, axis: int) -> Tensor:
        return record(np.flip(x.data, axis), (x, lambda g: np.flip(g, axis)))

    def windows(self, x: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
        space, jumps = x.shape[2:], x.data.strides[2:]
        out = tuple((s - d * (k - 1) - 1) // t + 1 for s, k, t, d in zip(space, kernel, stride, dilation, strict=True))
        if min(out) < 1:
            raise ValueError(f"a window of {tuple(kernel)} (dilation {tuple(dilation)}) does not fit into {space}")
        view = np.lib.stride_tricks.as_strided(
            x.data,
            (*x.shape[:2], *out, *kernel),
            (
                *x.data.strides[:2],
                *(jump * t for jump, t in zip(jumps, stride, strict=True)),
                *(jump * d for jump, d in zip(jumps, dilation, strict=True)),
            ),
            writeable=False,
        )

        def vjp(g: np.ndarray) -> np.ndarray:
            gradient = np.zeros_like(x.data)
            by_place = np.moveaxis(g, range(-len(kernel), 0), range(len(kernel)))
            for place in itertools.product(*map(range, kernel)):
                reach = tuple(
                    slice(p * d, p * d + t * (o - 1) + 1, t)
                    for p, d, t, o in zip(place, dilation, stride, out, strict=True)
                )
                gradient[:, :, *reach] += by_place[place]
            return gradient

        return record(view, (x, vjp))

    # linear algebra and indexing
    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        return x @ y

    def take(self, x: Tensor, indices: Tensor, axis: int) -> Tensor:
        place = axis % len(x.shape)

        def vjp(g: np.ndarray) -> np.ndarray:
            gradient = np.zeros_like(x.data)
            before: list[Any] = [slice(None)] * place
            np.add.at(gradient, (*before, indices.data), g)
            return gradient

        return record(np.take(x.data, indices.data, axis=place), (x, vjp))

    def one_hot(self, indices: Tensor, depth: int, dtype: str) -> Tensor:
        return Tensor((indices.data[..., None] == np.arange(depth)).astype(dtype))

    def stop_gradient(self, x: Tensor) -> Tensor:
        return Tensor(x.data)


def _axes(x: Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes of a reduction, counted from 0, in row-major order."""
    if axis is None:
        return tuple(range(len(x.shape)))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(place % len(x.shape) for place in axes))


def _kept(g: np.ndarray, x: Tensor, axes: tuple[int, ...]) -> np.ndarray:
    """The gradient of a reduction with the reduced axes kept as 1."""
    return g.reshape(tuple(1 if place in axes else size for place, size in enumerate(x.shape)))
