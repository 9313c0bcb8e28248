"""Rounds: the same items again and again, by readers that go on from one round to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from akid_core.data.prefetch import Reader

T = TypeVar("T")


class Rounds(Generic[T]):
    """Readers of one round each. What reads for them stays while nobody does, and has begun with the next round.

    `begin` gives a Reader of the items without end, of which one round has `length`.
    """

    def __init__(self, begin: Callable[[], Reader[T]], length: int) -> None:
        self.length = length
        self._begin = begin
        self._idle: list[Reader[T]] = []  # they stand at the beginning of a round
        self._closed = False

    def round(self) -> Reader[T]:
        """A Reader of one round; close it, best by `with`."""
        return _Round(self)

    def close(self) -> None:
        """Keep no reader any more; one that is in the middle of a round finishes it."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def take(self) -> Reader[T]:
        return self._idle.pop() if self._idle else self._begin()

    def give_back(self, reader: Reader[T]) -> None:
        if self._closed:
            reader.close()
        else:
            self._idle.append(reader)


class _Round(Reader[T]):
    def __init__(self, rounds: Rounds[T]) -> None:
        super().__init__(())
        self._rounds, self._left = rounds, rounds.length
        self._endless: Reader[T] | None = rounds.take()

    def _take(self) -> T:
        if self._endless is None or not self._left:
            raise StopIteration
        item = next(self._endless)
        self._left -= 1
        return item

    def close(self) -> None:
        endless, self._endless = self._endless, None
        if endless is None:
            return
        if self._left:
            endless.close()  # it stands in the middle
        else:
            self._rounds.give_back(endless)
