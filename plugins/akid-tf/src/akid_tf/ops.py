"""The portable operations on TensorFlow tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from akid_core.ops import Axis
from akid_core.ops.known import KnownOps
from akid_tf.runtime import tf


class TensorflowOps(KnownOps):
    """`akid_core.ops.Ops`, in eager mode and inside `tf.function`. The size of the batch may be unknown (None)."""

    # creation and types
    def asarray(self, value: Any, dtype: str) -> tf.Tensor:
        return tf.constant(np.asarray(value, dtype=dtype))

    def astype(self, x: tf.Tensor, dtype: str) -> tf.Tensor:
        return tf.cast(x, dtype)

    def zeros_like(self, x: tf.Tensor) -> tf.Tensor:
        return tf.zeros_like(x)

    # element-wise
    def abs(self, x: tf.Tensor) -> tf.Tensor:
        return tf.abs(x)

    def exp(self, x: tf.Tensor) -> tf.Tensor:
        return tf.exp(x)

    def log(self, x: tf.Tensor) -> tf.Tensor:
        return tf.math.log(x)

    def sqrt(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sqrt(x)

    def tanh(self, x: tf.Tensor) -> tf.Tensor:
        return tf.tanh(x)

    def sigmoid(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(x)

    def erf(self, x: tf.Tensor) -> tf.Tensor:
        return tf.math.erf(x)

    def sin(self, x: tf.Tensor) -> tf.Tensor:
        return tf.sin(x)

    def cos(self, x: tf.Tensor) -> tf.Tensor:
        return tf.cos(x)

    def maximum(self, x: tf.Tensor, y: tf.Tensor | float) -> tf.Tensor:
        return tf.maximum(x, y)  # its gradient goes to x where x >= y

    def minimum(self, x: tf.Tensor, y: tf.Tensor | float) -> tf.Tensor:
        return tf.minimum(x, y)

    def equal(self, x: tf.Tensor, y: tf.Tensor | float) -> tf.Tensor:
        return tf.equal(x, y)

    def where(self, condition: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float) -> tf.Tensor:
        dtype = next(side.dtype for side in (x, y) if tf.is_tensor(side))
        return tf.where(condition, tf.convert_to_tensor(x, dtype), tf.convert_to_tensor(y, dtype))

    def logical_and(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.logical_and(x, y)

    def logical_not(self, x: tf.Tensor) -> tf.Tensor:
        return tf.logical_not(x)

    def bitwise_and(self, x: tf.Tensor, y: tf.Tensor | int) -> tf.Tensor:
        return tf.bitwise.bitwise_and(x, tf.convert_to_tensor(y, x.dtype))

    def bitwise_xor(self, x: tf.Tensor, y: tf.Tensor | int) -> tf.Tensor:
        return tf.bitwise.bitwise_xor(x, tf.convert_to_tensor(y, x.dtype))

    def bitwise_right_shift(self, x: tf.Tensor, y: int) -> tf.Tensor:
        return tf.bitwise.right_shift(x, tf.convert_to_tensor(y, x.dtype))

    # reductions
    def sum(self, x: tf.Tensor, axis: Axis = None, keepdims: bool = False) -> tf.Tensor:
        return tf.reduce_sum(x, axis, keepdims)

    def mean(self, x: tf.Tensor, axis: Axis = None, keepdims: bool = False) -> tf.Tensor:
        return tf.reduce_mean(x, axis, keepdims)

    def max(self, x: tf.Tensor, axis: Axis = None, keepdims: bool = False) -> tf.Tensor:
        """TensorFlow's own gradient is shared by all equal maxima; this one goes to the first in row-major order."""
        rank = len(x.shape)
        axes = sorted(place % rank for place in (range(rank) if axis is None else np.atleast_1d(axis)))

        @tf.custom_gradient
        def first_maximum(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                kept = tf.reduce_max(x, axes, keepdims=True)
                order = tf.broadcast_to(_order(tf.shape(x), axes), tf.shape(x))
                candidates = tf.where(tf.equal(x, kept), order, order.dtype.max)
                first = tf.equal(order, tf.reduce_min(candidates, axes, keepdims=True))
                return tf.where(first, tf.reshape(upstream, tf.shape(kept)), tf.zeros([], x.dtype))

            return tf.reduce_max(x, axes, keepdims), gradient

        return first_maximum(x)

    def argmax(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        return tf.argmax(x, axis, output_type=tf.int64)

    def cumulative_sum(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        return tf.cumsum(x, axis)

    # shape
    def reshape(self, x: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
        return tf.reshape(x, _known(x, shape))

    def permute_dims(self, x: tf.Tensor, axes: Sequence[int]) -> tf.Tensor:
        return tf.transpose(x, axes)

    def broadcast_to(self, x: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
        return tf.broadcast_to(x, _known(x, shape))

    def concat(self, arrays: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
        return tf.concat(list(arrays), axis)

    def pad(self, x: tf.Tensor, widths: Sequence[tuple[int, int]], value: float = 0.0) -> tf.Tensor:
        return tf.pad(x, widths, constant_values=tf.constant(value, x.dtype))

    def flip(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        return tf.reverse(x, [axis])

    def windows(self, x: tf.Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> tf.Tensor:
        """One axis after the other: slices of it, one for each place in the kernel, stacked at the end."""
        for place, (size, step, jump) in enumerate(zip(kernel, stride, dilation, strict=True)):
            axis = 2 + place
            out = (x.shape[axis] - jump * (size - 1) - 1) // step + 1
            if out < 1:
                raise ValueError(f"a window of {size} (dilation {jump}) does not fit into {x.shape[axis]} values")
            before = (slice(None),) * axis
            ends = [(first * jump, first * jump + step * (out - 1) + 1) for first in range(size)]
            x = tf.stack([x[(*before, slice(start, end, step))] for start, end in ends], axis=-1)
        return x

    # linear algebra and indexing
    def matmul(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        # As one product of matrices: the fused kernel for batches of them and a bias may read past the bias's end.
        return tf.tensordot(x, y, 1) if y.shape.rank == 2 and x.shape.rank > 2 else tf.matmul(x, y)

    def take(self, x: tf.Tensor, indices: tf.Tensor, axis: int) -> tf.Tensor:
        return tf.gather(x, indices, axis=axis)

    def one_hot(self, indices: tf.Tensor, depth: int, dtype: str) -> tf.Tensor:
        return tf.one_hot(indices, depth, dtype=dtype)

    def stop_gradient(self, x: tf.Tensor) -> tf.Tensor:
        return tf.stop_gradient(x)


def _order(shape: tf.Tensor, axes: Sequence[int]) -> tf.Tensor:
    """The row-major number of each place along `axes`: int64, of size 1 along all other axes."""
    rank = shape.shape[0]
    order = tf.zeros([1] * rank, tf.int64)
    for axis in axes:
        size = tf.cast(shape[axis], tf.int64)
        along = [-1 if place == axis else 1 for place in range(rank)]
        order = order * size + tf.reshape(tf.range(size), along)
    return order


def _known(x: tf.Tensor, shape: Sequence[int | None]) -> list[Any]:
    """A shape whose first None, as read from `x.shape`, is the first size not known while tracing, and so on."""
    unknown = (axis for axis, size in enumerate(x.shape) if size is None)
    return [tf.shape(x)[next(unknown, 0)] if size is None else size for size in shape]
