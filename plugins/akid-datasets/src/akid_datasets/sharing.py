"""Sharing: what sources of equal settings hold in memory once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")

_held: WeakValueDictionary[object, object] = WeakValueDictionary()
_turn = threading.RLock()


def shared(settings: str, files: Sequence[Path], make: Callable[[], T]) -> T:
    """What `make` reads of `files` by some settings: once, as long as they do not change and somebody uses it."""
    read = tuple((file.resolve(), file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    with _turn:
        found = _held.get((settings, read))
        if found is None:
            found = _held[settings, read] = make()
        return found  # type: ignore[return-value]
