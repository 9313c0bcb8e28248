"""Pickles: the data in a pickle of Python 2 and NumPy, read without running anything that it names."""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.errors import DataError
from akid_datasets.formats.contents import contents

_NAMED = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}
"""What the pickle of an array names; it stays a name."""


class _Inert:
    """Stands for whatever a pickle makes: keeps what it is made of, does nothing."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle._Unpickler):
    """Plain containers, numbers and texts as they are, texts as bytes; arrays as `_Inert`; nothing else.

    It is Python's own in Python: that in C takes memory for as many objects as a damaged file says it has.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMED:
            raise pickle.UnpicklingError(f"it names '{module}.{name}', which is no part of an array")
        return _Inert


def read_pickle(path: Path) -> dict[bytes, Any]:
    """The dictionary in a pickle of Python 2: lists, numbers and texts (as bytes), and arrays of unsigned bytes.

    Nothing that the file names is imported or called: NumPy is not asked to make arrays, they are made here of their
    bytes. Raises `DataError` for a pickle of anything else, and for a damaged one.
    """
    stream = io.BytesIO(contents(path))
    try:
        made = _Reader(stream, encoding="bytes").load()
    except Exception as error:  # a damaged pickle makes the Unpickler raise almost anything
        problem = "it ends too soon" if isinstance(error, EOFError) else str(error)
        raise DataError(f"{path} is no pickle of plain data, near byte {stream.tell():,}: {problem}.") from error
    if rest := len(stream.read()):
        raise DataError(f"{path} goes on after its pickle: {rest:,} bytes from byte {stream.tell() - rest:,} on.")
    if not isinstance(made, dict):
        raise DataError(f"{path} holds a pickled {type(made).__name__} instead of a dictionary.")
    return {key: _array(value, key, path) if isinstance(value, _Inert) else value for key, value in made.items()}


def _array(made: _Inert, key: Any, path: Path) -> np.ndarray:
    """The array that NumPy would have made: its state is version, shape, type, whether by columns, and bytes."""
    try:
        _, shape, dtype, by_columns, raw = made.state
        (name, *_) = dtype.arguments
        values = np.frombuffer(raw, np.uint8) if name == b"u1" and isinstance(raw, bytes) else None
    except (TypeError, ValueError, AttributeError):
        values = None
    if values is None or math.prod(shape) != values.size:
        raise DataError(f"{path}: the entry {key!r} is no sound array of unsigned bytes.")
    return values.reshape(shape, order="F" if by_columns else "C")
