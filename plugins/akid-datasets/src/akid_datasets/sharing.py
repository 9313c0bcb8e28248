"""Sharing: what sources of equal settings hold in memory once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")

_held: WeakValueDictionary[str, object] = WeakValueDictionary()
_turn = threading.RLock()


def shared(key: str, make: Callable[[], T]) -> T:
    """What `make` gives, made once for a key and kept while somebody uses it."""
    with _turn:
        found = _held.get(key)
        if found is None:
            found = _held[key] = make()
        return found  # type: ignore[return-value]
