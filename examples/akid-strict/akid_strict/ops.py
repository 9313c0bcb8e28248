"""The portable operations in the array API standard; most of them are its own functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import array_api_strict as xp
import numpy as np

from akid_core.ops.known import NAMES, unknown

Array = type(xp.asarray(0))
OPERATORS = ("neg", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "pow", "matmul")
REFLECTED = ("radd", "rsub", "rmul", "rtruediv")
ALONG = ("sum", "mean", "max", "argmax", "cumulative_sum", "concat", "flip")
"""Functions whose axis the standard takes by its name alone."""


class Tensor:
    """An array of the standard that may be sliced as layers do: with fewer entries than axes, and past the end."""

    def __init__(self, array: Any) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:
        return str(self.array.dtype).rpartition(".")[2]

    def __getitem__(self, key: Any) -> Tensor:
        entries = key if isinstance(key, tuple) else (key,)
        if Ellipsis in entries:
            return Tensor(self.array[entries])
        pairs = zip(entries, self.shape, strict=False)
        inside = (slice(*entry.indices(size)) if isinstance(entry, slice) else entry for entry, size in pairs)
        return Tensor(self.array[(*inside, Ellipsis)])


def lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays as one of tensors."""

    def lift(*arguments: Any, **settings: Any) -> Any:
        result = function(*map(_lowered, arguments), **settings)
        return Tensor(result) if isinstance(result, Array) else result

    return lift


def _lowered(value: Any) -> Any:
    """The arrays of tensors, also of those in a list."""
    if isinstance(value, list | tuple):
        return [_lowered(item) for item in value]
    return value.array if isinstance(value, Tensor) else value


for _name in (*OPERATORS, *REFLECTED):
    setattr(Tensor, f"__{_name}__", lifted(getattr(Array, f"__{_name}__")))


class Written:
    """What the standard lacks or calls otherwise, as functions of its arrays."""

    @staticmethod
    def asarray(value: Any, dtype: str) -> Any:
        return xp.asarray(np.array(value, dtype))

    @staticmethod
    def astype(x: Any, dtype: str) -> Any:
        return xp.astype(x, getattr(xp, dtype))

    @staticmethod
    def reshape(x: Any, shape: Sequence[int]) -> Any:
        return xp.reshape(x, tuple(shape))

    @staticmethod
    def sigmoid(x: Any) -> Any:
        small = xp.exp(-xp.abs(x))  # never overflows
        return xp.where(x >= 0, 1.0, small) / (small + 1.0)

    @staticmethod
    def erf(x: Any) -> Any:
        flat = [math.erf(value) for value in np.asarray(x).ravel().tolist()]
        return xp.reshape(xp.asarray(flat, dtype=x.dtype), x.shape)

    @staticmethod
    def pad(x: Any, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
        for axis, sides in enumerate(widths):
            shapes = ((*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sides)
            before, after = (xp.full(shape, value, dtype=x.dtype) for shape in shapes)
            x = xp.concat([before, x, after], axis=axis)
        return x

    @staticmethod
    def windows(x: Any, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Any:
        """One slice of the image for each place in the kernel, all side by side."""
        sizes = list(zip(x.shape[2:], kernel, stride, dilation, strict=True))
        out = [(size - d * (k - 1) - 1) // t + 1 for size, k, t, d in sizes]
        places = []
        for place in product(*map(range, kernel)):
            steps = zip(place, stride, dilation, out, strict=True)
            reach = (slice(p * d, p * d + t * (o - 1) + 1, t) for p, t, d, o in steps)
            places.append(x[(slice(None), slice(None), *reach)])
        return xp.reshape(xp.stack(places, axis=-1), (*x.shape[:2], *out, *kernel))

    @staticmethod
    def take(x: Any, indices: Any, axis: int) -> Any:
        axis %= x.ndim
        rows = xp.take(x, xp.reshape(indices, (-1,)), axis=axis)
        return xp.reshape(rows, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))

    @staticmethod
    def one_hot(indices: Any, depth: int, dtype: str) -> Any:
        hot = xp.expand_dims(indices, axis=-1) == xp.arange(depth, dtype=indices.dtype)
        return xp.astype(hot, getattr(xp, dtype))

    @staticmethod
    def stop_gradient(x: Any) -> Any:
        return x


class StrictOps:
    """`akid_core.ops.Ops`: what is written out above, and everything else by its name in the standard."""

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES:
            raise unknown(name)
        function = getattr(Written, name, None) or getattr(xp, name)
        if name not in ALONG:
            return lifted(function)
        return lifted(
            lambda x, *where, **named: function(x, **dict(zip(("axis", "keepdims"), where, strict=False)), **named)
        )
