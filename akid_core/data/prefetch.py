"""Readers: an iterator over spans or batches that are made on demand, or ahead of their user in threads."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

I = TypeVar("I")  # noqa: E741
T = TypeVar("T")


class Reader(Generic[T]):
    """Items one by one, in order; `waited` is how many seconds the user has waited for them.

    A context manager: leaving it, or `close`, ends the reading for good. An error of the reading is raised where the
    item would have come, and ends it too.
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
    """A Reader of `make(item)` for each of `items`, made in threads: `threads` at once, and `ahead` more kept ready.

    `items` is consumed one by one, by whichever thread is free; `make` is called by several threads at once, so it is
    a pure function. The threads end with the items, with `close`, when the reader is forgotten, and at the
    interpreter's exit. Nothing waits with a time limit, so a slow source or a slow user is never taken for a dead one.
    """

    def __init__(self, make: Callable[[I], T], items: Iterable[I], *, threads: int = 1, ahead: int = 2) -> None:
        super().__init__(())
        # The threads know the lane, never the reader: so a forgotten reader is collected, and its threads ended.
        self._lane: Lane[I, T] = Lane(make, items, threads, ahead)
        self._finalizer = weakref.finalize(self, self._lane.stop)
        self._lane.start()

    def _take(self) -> T:
        return self._lane.take()

    def close(self) -> None:
        self._finalizer()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self._lane.leave()  # whoever breaks off does not wait for an item, which may be what hangs
        self.close()


class Lane(Generic[I, T]):
    """What the threads and their reader share: items in the making, numbered in order, and those made."""

    def __init__(self, make: Callable[[I], T], items: Iterable[I], threads: int, ahead: int) -> None:
        self._make, self._items, self._most = make, iter(items), threads + ahead
        self._made: dict[int, tuple[T | None, BaseException | None]] = {}  # by number: an item, or its error
        self._begun = self._given = 0  # how many items are or were in the making, and how many the reader took
        self._ended = self._stopped = False  # there is no further item; the reader wants none
        self._changed = threading.Condition()
        self._turn = threading.Lock()  # held while the next item is awaited, so that its number is its place
        self._process = os.getpid()
        # Daemons, or the interpreter would wait for them at exit before the finalizer may stop them.
        self._threads = [threading.Thread(target=self._work, name="akid-prefetch", daemon=True) for _ in range(threads)]

    def start(self) -> None:
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.stop()
            raise

    def take(self) -> T:
        """The next item, once it is made. Raises its error in its place, and `StopIteration` ever after."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._given in self._made or (self._ended and self._given == self._begun)
            )
            if self._given not in self._made:
                raise StopIteration
            item, error = self._made.pop(self._given)
            self._given += 1
            if error is not None:
                self._stopped = True
                self._made.clear()
            self._changed.notify_all()
        try:
            if error is not None:
                raise error
        finally:
            del error  # or it and this frame would keep each other
        return item  # type: ignore[return-value]

    def stop(self) -> None:
        """End the threads and wait for them; each finishes the item that it is making."""
        if os.getpid() != self._process:
            return  # a forked child has no threads to end, and locks that nobody will release
        with self._changed:
            self._stopped = True
            self._made.clear()
            self._changed.notify_all()
        if threading.current_thread() in self._threads:
            return  # collected as garbage in the middle of its own work, perhaps with the lock in hand
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._items = iter(())  # a closed reader may be kept for long, what it read from need not

    def leave(self) -> None:
        """End the threads without waiting: each ends with its item, or with the program."""
        self._threads = []

    def _work(self) -> None:
        while self._work_once():
            pass

    def _work_once(self) -> bool:
        """Make one item; False once there is nothing more to do."""
        with self._turn:
            if not self._room():
                return False
            number = self._begun
            try:
                item = next(self._items)
            except StopIteration:
                self._end()
                return False
            except BaseException as error:  # whatever it is, it belongs to the reader
                self._put(number, None, error)
                return False
            self._begun += 1
        try:
            self._put(number, self._make(item))
        except StopIteration as error:
            stray = RuntimeError("making an item raised StopIteration, which would read as the end of the items")
            stray.__cause__ = error
            self._put(number, None, stray)
        except BaseException as error:
            self._put(number, None, error)
        return True

    def _room(self) -> bool:
        """Wait until an item is wanted; False if none will be."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._ended or self._begun - self._given < self._most)
            return not (self._stopped or self._ended)

    def _put(self, number: int, item: T | None, error: BaseException | None = None) -> None:
        """Hand over item `number`, or its error, which ends the lane."""
        with self._changed:
            if not self._stopped:
                self._made[number] = (item, error)
            if error is not None:
                self._ended = True
            self._changed.notify_all()

    def _end(self) -> None:
        """There are no more items."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
