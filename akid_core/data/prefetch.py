"""Readers: an iterator over spans or batches that is read on demand, or ahead of its user in a thread."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")

AHEAD = 2
"""How many items the thread keeps ready."""


class Reader(Generic[T]):
    """Items one by one, in order; `waited` is how many seconds the user has waited for them.

    A context manager: leaving it, or `close`, ends the reading for good. An error of the reading is raised where the
    item would have come.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self.waited = 0.0
        self._items = iter(items)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        began = time.perf_counter()
        try:
            return self._take()
        finally:
            self.waited += time.perf_counter() - began

    def _take(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """Read no more. Does nothing the second time."""
        self._items = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Prefetch(Reader[T]):
    """A Reader whose items are made in a thread, at most `AHEAD` of them before they are asked for.

    The thread ends with the items, with `close`, when the reader is forgotten, and at the interpreter's exit. Nothing
    waits with a time limit, so a slow source or a slow user is never taken for a dead one.
    """

    def __init__(self, items: Iterable[T]) -> None:
        super().__init__(())
        self._lane: _Lane[T] = _Lane(iter(items))
        # The thread knows the lane, never the reader: so a forgotten reader is collected, and its thread ended.
        self._finalizer = weakref.finalize(self, self._lane.stop)
        self._lane.thread.start()

    def _take(self) -> T:
        return self._lane.take()

    def close(self) -> None:
        self._finalizer()


class _Lane(Generic[T]):
    """What the thread and its reader share."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._ready: deque[T] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._ended = False
        self._error: BaseException | None = None
        # A daemon, or the interpreter would wait for it at exit before the finalizer may stop it.
        self.thread = threading.Thread(target=self._work, name="akid-prefetch", daemon=True)

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            while self._room():
                item = next(self._items)
                with self._changed:
                    self._ready.append(item)
                    self._changed.notify_all()
        except StopIteration:
            pass
        except BaseException as raised:  # whatever it is, it belongs to the reader
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()

    def _room(self) -> bool:
        """Wait until an item is wanted; False once the reader is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._ready) < AHEAD)
            return not self._stopped

    def take(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._ready or self._ended)
            if self._ready and not self._stopped:
                self._changed.notify_all()
                return self._ready.popleft()
            error, self._error = self._error, None
        raise error or StopIteration

    def stop(self) -> None:
        """End the thread and wait for it; it finishes the item it is making."""
        with self._changed:
            self._stopped = True
            self._ready.clear()
            self._error = None
            self._changed.notify_all()
        if self.thread is not threading.current_thread() and self.thread.ident is not None:
            self.thread.join()
