"""Parcel: an object on its way to other processes, which share its arrays."""

from __future__ import annotations

import io
import pickle
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.data.shared import Block, aligned
from akid_core.plugins.explicit import plugin_files


class Parcel:
    """An object for processes that are yet to be started; it is an argument of theirs.

    All of them see the same memory, and an array that lies in a file is read from there. What one of them changes is
    changed for itself alone, as if it had been sent a copy.
    """

    def __init__(self, content: object) -> None:
        """Raises what pickling raises, where the object cannot be sent."""
        stream, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
        _Pickler(stream, 5, buffer_callback=buffers.append).dump(content)
        pieces = [stream.getbuffer(), *(buffer.raw() for buffer in buffers)]
        self._files = plugin_files()
        self._places: list[tuple[int, int]] = []
        self._size = 0
        for piece in pieces:
            self._places.append((self._size, self._size + piece.nbytes))
            self._size = aligned(self._size + piece.nbytes)
        self._block = Block()
        memory = self._block.view(self._size)
        for (first, last), piece in zip(self._places, pieces, strict=True):
            memory[first:last] = piece

    def open(self) -> Any:
        """The object, in the other process."""
        memory = self._block.copy(self._size)
        stream, *buffers = [memory[first:last] for first, last in self._places]
        if self._files:  # which the object may name by class, or in a setting
            sys.meta_path.append(_PluginFiles(self._files))
        return pickle.loads(stream, buffers=buffers)

    def close(self) -> None:
        """Let go of the memory; a process that has been started keeps it."""
        self._block.close()


class _Pickler(pickle.Pickler):
    """Writes an array that lies in a file as its place there: copying it might fill the memory."""

    def reducer_override(self, value: object) -> Any:
        place = _place_in_file(value) if isinstance(value, np.ndarray) else None
        return NotImplemented if place is None else (_from_file, place)


class _PluginFiles(MetaPathFinder):
    """Finds the plugin files of another process by the names of their modules, when one of them is imported."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


_Place = tuple[str, int, int, int, np.dtype[Any], tuple[int, ...], tuple[int, ...]]


def _place_in_file(array: np.ndarray) -> _Place | None:
    """What `_from_file` takes, where the array is all or part of a `numpy.memmap` whose changes are in the file."""
    whole: Any = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    if (
        not isinstance(whole, np.memmap)
        or whole.filename is None
        or whole.mode == "c"
        or not Path(whole.filename).exists()
    ):
        return None
    first = _address(array) - _address(whole)
    return str(whole.filename), whole.offset, whole.nbytes, first, array.dtype, array.shape, array.strides


def _address(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _from_file(
    path: str,
    offset: int,
    size: int,
    first: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    strides: tuple[int, ...],
) -> np.ndarray:
    whole = np.memmap(path, np.uint8, "c", offset, (size,))
    return np.ndarray(shape, dtype, whole, first, strides)
