"""Crew: processes that make batches, from their start to their end."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.util import Finalize

from akid_core.data.batch import Batch
from akid_core.data.hand import BLOCKS, PATIENCE, SPAWN, Hand
from akid_core.data.parcel import Parcel
from akid_core.errors import ConfigurationError


class Crew:
    """Processes that make batches in turn; each is started when there is a task for it."""

    def __init__(self, make: Callable[[int], Batch], count: int, what: str) -> None:
        self._make, self._what = make, what
        self._wake, self._interrupt = SPAWN.Pipe(duplex=False)
        self._hands: list[Hand] = []
        self._count = count
        self._parcel: Parcel | None = None
        # Should `stop` be interrupted: the exit of the interpreter waits for processes, and they ignore its signal.
        self._last_resort = Finalize(None, _kill, (self._hands,), exitpriority=0)

    def batches(self, numbers: Iterable[int]) -> Iterator[Batch]:
        """The batch of each number, in order; its arrays hold until the next one is asked for."""
        due: deque[Hand] = deque()
        error: BaseException | None = None
        numbers = iter(numbers)
        for turn in itertools.count():
            try:
                number = next(numbers)
            except StopIteration:
                break
            except BaseException as raised:  # it comes after the batches that were asked for before
                error = raised
                break
            hand = self._hand(turn % self._count)
            hand.give(number)
            due.append(hand)
            if len(due) == BLOCKS * self._count:
                yield due.popleft().take(self._wake)
        while due:
            yield due.popleft().take(self._wake)
        self._dismiss()
        if error is not None:
            raise error

    def interrupt(self) -> None:
        """Whoever waits for a batch gets an error instead."""
        self._interrupt.close()

    def stop(self) -> None:
        """End the processes, and give back all that they used."""
        try:
            self._dismiss()
            end = time.monotonic() + PATIENCE
            for hand in self._hands:
                hand.wait(end - time.monotonic())
        finally:
            for hand in self._hands:
                hand.end()
            for thing in (self._wake, self._interrupt, self._parcel):
                if thing is not None:
                    thing.close()
            self._hands.clear()
            self._last_resort.cancel()

    def _dismiss(self) -> None:
        for hand in self._hands:
            hand.dismiss()

    def _hand(self, place: int) -> Hand:
        if place == len(self._hands):
            if self._parcel is None:
                self._parcel = _packed(self._make)
            self._hands.append(Hand(self._parcel, self._what))
            self._hands[-1].start()
        return self._hands[place]


def _kill(hands: list[Hand]) -> None:
    for hand in hands:
        hand.kill()


def _packed(make: Callable[[int], Batch]) -> Parcel:
    if multiprocessing.current_process().daemon:
        raise ConfigurationError(
            "This is a daemonic process, such as one of a multiprocessing.Pool, which may not start processes. Read "
            "with threads: leave out reading.processes."
        )
    try:
        return Parcel(make)
    except Exception as error:
        raise ConfigurationError(
            f"Processes cannot read this source, because it cannot be sent to them ({type(error).__name__}: {error}). "
            "Source, sampler and augmenters must be picklable: without open files, locks, lambdas or local classes. Or "
            "read with threads: leave out reading.processes."
        ) from error
