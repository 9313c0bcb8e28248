"""Memory is used again once nobody holds it, and never before."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import akid_core as akid
from akid_core.data import memory
from akid_core.data.memory import empty, taken

SHAPE = (64, 33, 32)  # of float32: 264 KiB


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_kept", memory._Kept())


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_that_nobody_holds_is_used_again() -> None:
    first = empty(SHAPE, np.float32)
    assert (first.shape, first.dtype, first.flags.c_contiguous, first.flags.writeable) == (
        SHAPE,
        np.float32,
        True,
        True,
    )
    place = address(first)
    del first
    other = empty((33, 64, 64), np.int16)  # as many bytes
    assert (address(other), other.dtype) == (place, np.int16)


@pytest.mark.parametrize(
    "view", [lambda it: it, lambda it: it[3], lambda it: it.reshape(-1)[5:].view(np.uint8), memoryview, np.nditer]
)
def test_whoever_looks_at_it_holds_it(view: object) -> None:
    first = empty(SHAPE, np.float32)
    place, held = address(first), view(first)  # type: ignore[operator]
    del first
    gc.collect()
    assert address(empty(SHAPE, np.float32)) != place
    del held
    gc.collect()
    assert place in {address(one) for one in [empty(SHAPE, np.float32), empty(SHAPE, np.float32)]}


def test_small_and_large_arrays_are_left_to_the_allocator() -> None:
    for shape in ((3,), (0, 4), (1 << 26, 2)):
        array = empty(shape, np.uint8)
        assert array.shape == shape
        assert array.base is None


def test_what_is_kept_is_bounded() -> None:
    held = [empty(((1 << 24) - 64,), np.uint8) for _ in range(6)]  # 64 more bytes each leave room to align
    assert len({address(one) for one in held}) == 6
    assert sum(map(len, memory._kept.blocks)) == 1 << 26


def test_threads_share_nothing() -> None:
    def fill(number: int) -> bool:
        for _ in range(50):
            arrays = [empty(SHAPE, np.float32) for _ in range(3)]
            for array in arrays:
                array[...] = number
            barrier.wait()
            if any((array != number).any() for array in arrays):
                return False
        return True

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(fill, range(4)))


@pytest.mark.parametrize("values", [np.arange(60.0).reshape(20, 3), np.arange(60).reshape(3, 20).T, np.arange(20)[::2]])
def test_rows_are_taken(values: np.ndarray) -> None:
    for rows in (np.array([3, 0, 3]), np.array([-1, 2]), np.empty(0, np.int64)):
        chosen = taken(values, rows)
        np.testing.assert_array_equal(chosen, values[rows], strict=True)
        assert not np.shares_memory(chosen, values)
    with pytest.raises(IndexError, match="20 is out of bounds|10 is out of bounds"):
        taken(values, np.array([0, len(values)]))


def test_batches_that_are_kept_stay_as_they_are() -> None:
    images = np.arange(256, dtype=np.int16).repeat(2000).reshape(256, 2000)
    train = akid.sensors(train={"image": images, "label": np.arange(256)}, batch_size=32).sensor("train", 0, None)
    assert train is not None
    batches = [train.batch(0, index) for index in range(8)]
    for batch in batches:
        assert (batch.fields["image"] == batch.fields["label"][:, np.newaxis]).all()


@pytest.mark.parametrize("rows", [1, 7, 128])
def test_large_arrays_lie_where_frameworks_take_them_without_a_copy(rows: int) -> None:
    held = [empty((rows, 3, 80, 80), np.float32) for _ in range(4)]
    assert [array.ctypes.data % 64 for array in held] == [0] * 4
    assert len({array.ctypes.data for array in held}) == 4
