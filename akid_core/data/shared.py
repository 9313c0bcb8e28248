"""Memory that processes share, and batches in it: no array goes through a pipe.

The memory has no name: it belongs to those who have it open, and is gone with the last of them, however they end.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import reduction
from typing import Any

import numpy as np

from akid_core.data.batch import Batch
from akid_core.errors import DataError

_LINE = 64  # bytes


def aligned(size: int) -> int:
    """The next number of bytes at which an array may begin: where a cache line does."""
    return -(-size // _LINE) * _LINE


class Block:
    """A growing piece of shared memory. It is handed to a process as an argument, when that process is started."""

    _descriptor = -1

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of an open file without a name; one is made where none is given."""
        self._descriptor = _nameless() if descriptor is None else descriptor
        self._memory: memoryview = memoryview(b"")

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self._descriptor),)

    def view(self, size: int) -> memoryview:
        """The first `size` bytes, or more: the block grows where it is smaller. Raises `OSError` without memory."""
        if len(self._memory) < size:
            _reserve(self._descriptor, size)
            self._memory = memoryview(mmap.mmap(self._descriptor, size))
        return self._memory

    def copy(self, size: int) -> memoryview:
        """The first `size` bytes as memory of its own, of which only what is written to takes up space."""
        return memoryview(mmap.mmap(self._descriptor, size, access=mmap.ACCESS_COPY))

    def close(self) -> None:
        """Let go of it. Memory that arrays still show stays until they are gone."""
        self._memory = memoryview(b"")
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        self.close()


def _received(passed: Any) -> Block:
    return Block(passed.detach())


def _nameless() -> int:
    if hasattr(os, "memfd_create"):  # not bounded by the size of /dev/shm, which is small in containers
        return os.memfd_create("akid")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _reserve(descriptor: int, size: int) -> None:
    if os.fstat(descriptor).st_size >= size:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)  # fails here where there is no room, not at the first write by a signal
    else:
        os.ftruncate(descriptor, size)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the arrays of one batch lie in a block: of each its name, type, shape and first byte."""

    arrays: tuple[tuple[str, np.dtype[Any], tuple[int, ...], int], ...]
    size: int


_OWN = ("weights", "positions", "rows")  # the arrays of a batch that are not fields; they come first


def write_batch(batch: Batch, block: Block) -> Layout:
    """Copy a batch into the block. Raises `DataError` for Python objects, which memory cannot hold."""
    named = [(name, getattr(batch, name)) for name in _OWN] + list(batch.fields.items())
    arrays, size = [], 0
    for name, values in named:
        if values.dtype.hasobject:
            raise DataError(
                f"The field '{name}' holds Python objects ({values.dtype}), which processes cannot share; give it as "
                f"numbers, or read with threads."
            )
        arrays.append((name, values.dtype, values.shape, size))
        size = aligned(size + values.nbytes)
    layout = Layout(tuple(arrays), size)
    for place, (_, values) in zip(_places(layout, block), named, strict=True):
        np.copyto(place, values)
    return layout


def read_batch(layout: Layout, block: Block) -> Batch:
    """The batch that lies in the block: views, not copies."""
    places = list(_places(layout, block))
    names = [name for name, *_ in layout.arrays]
    own = dict(zip(_OWN, places[: len(_OWN)], strict=True))
    return Batch(fields=dict(zip(names[len(_OWN) :], places[len(_OWN) :], strict=True)), **own)


def _places(layout: Layout, block: Block) -> Iterator[np.ndarray]:
    memory = block.view(layout.size)
    for _, dtype, shape, first in layout.arrays:
        yield np.ndarray(shape, dtype, memory, first)
