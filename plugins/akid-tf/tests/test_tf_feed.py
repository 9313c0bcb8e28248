"""Handing arrays over to TensorFlow: the same memory where it can be, and the same numbers always."""

from __future__ import annotations

import numpy as np
import pytest

from akid_tf.feed import as_tensor
from akid_tf.runtime import tf

TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


def placed(dtype: str, beside: int) -> np.ndarray:
    """The numbers 0 to 11 (4, 3) in memory that begins so many bytes beside a multiple of 64."""
    memory = np.zeros(256, np.uint8)
    start = -memory.ctypes.data % 64 + beside
    array = memory[start : start + 12 * np.dtype(dtype).itemsize].view(dtype).reshape(4, 3)
    array[:] = np.arange(12).reshape(4, 3)
    return array


@pytest.mark.parametrize("beside", [0, 8, 16])
@pytest.mark.parametrize("dtype", TYPES)
def test_the_same_numbers(dtype: str, beside: int) -> None:
    array = placed(dtype, beside)
    for given in (array, array[::2], array.T, array[:, :2], array[:0]):
        tensor = as_tensor(given)
        assert tensor.dtype.as_numpy_dtype == np.dtype(dtype)
        assert np.array_equal(tensor.numpy(), given)
        # a kernel that needs whole lines of memory, which would end the process
        assert np.array_equal(tf.concat([tensor, tensor], 0)[len(given) :].numpy(), given)


def test_only_aligned_memory_is_shared() -> None:
    shared, copied = placed("float32", 0), placed("float32", 16)
    tensors = as_tensor(shared), as_tensor(copied)
    shared[0, 0] = copied[0, 0] = 100
    assert [float(tensor[0, 0]) for tensor in tensors] == [100, 0]


def test_what_may_not_be_written_is_copied() -> None:
    array = placed("float32", 0)
    array.flags.writeable = False
    assert np.array_equal(as_tensor(array).numpy(), array)
    assert np.array_equal(as_tensor(np.broadcast_to(np.float32(3), (4, 2))).numpy(), np.full((4, 2), 3))


@pytest.mark.parametrize("xla", [False, True])
def test_programs_only_read_it(xla: bool) -> None:
    array = placed("float32", 0)
    before = array.copy()
    signature = tf.TensorSpec((None, 3), tf.float32)
    program = tf.function(lambda x: tf.nn.relu(-x) + 1, jit_compile=xla).get_concrete_function(signature)
    results = [program(as_tensor(array)).numpy() for _ in range(3)]
    assert np.array_equal(array, before)
    assert np.array_equal(results[2], np.ones((4, 3)))
