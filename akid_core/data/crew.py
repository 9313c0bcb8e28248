"""Crew: processes that make batches, from their start to their end."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.util import Finalize
from typing import Any

from akid_core.data.batch import Batch
from akid_core.data.parcel import Parcel
from akid_core.data.shared import Block, read_batch
from akid_core.data.worker import SIGNALS, Failure, Reply, work
from akid_core.errors import ConfigurationError, DataError, TryAgainError

BLOCKS = 2
"""Batches that a process may be ahead: one is taken over while it makes the next."""
_PATIENCE = 1.0  # seconds in which a process may finish its batch before it is ended

_SPAWN = multiprocessing.get_context("spawn")  # a forked child of a program with threads may hang


class Crew:
    """Processes that make batches in turn; each is started when there is a task for it."""

    def __init__(self, make: Callable[[int], Batch], count: int, what: str) -> None:
        self._make, self._what = make, what
        self._wake, self._interrupt = _SPAWN.Pipe(duplex=False)
        self._hands: list[_Hand] = []
        self._count = count
        self._parcel: Parcel | None = None
        # Should `stop` be interrupted: the exit of the interpreter waits for processes, and they ignore its signal.
        self._last_resort = Finalize(None, _kill, (self._hands,), exitpriority=0)

    def batches(self, numbers: Iterable[int]) -> Iterator[Batch]:
        """The batch of each number, in order; its arrays hold until the next one is asked for."""
        due: deque[_Hand] = deque()
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
            end = time.monotonic() + _PATIENCE
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

    def _hand(self, place: int) -> _Hand:
        if place == len(self._hands):
            if self._parcel is None:
                self._parcel = _packed(self._make)
            self._hands.append(_Hand(self._parcel, self._what))
            self._hands[-1].start()
        return self._hands[place]


def _kill(hands: list[_Hand]) -> None:
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


class _Hand:
    """One process: two pipes, and the blocks in which its batches lie."""

    def __init__(self, parcel: Parcel, what: str) -> None:
        self._what = what
        self._due: deque[int] = deque()  # numbers that it was given, whose batches are not taken yet
        self._blocks = tuple(Block() for _ in range(BLOCKS))
        theirs, self._tasks = _SPAWN.Pipe(duplex=False)
        self._replies, replies = _SPAWN.Pipe(duplex=False)
        self._theirs = (theirs, replies)
        arguments = (theirs, replies, parcel, self._blocks)
        self._process = _SPAWN.Process(target=work, args=arguments, name="akid-reader", daemon=True)
        self._death = -1  # a file descriptor that is ready once the process has ended
        self._ready = False
        self._turn = 0

    def start(self) -> None:
        try:
            with _deaf():
                self._process.start()
        finally:
            for end in self._theirs:
                end.close()  # so that the pipes end with the process
        self._death = _death_of(self._process)

    def give(self, number: int) -> None:
        self._due.append(number)
        with suppress(BrokenPipeError):  # it has ended, and `take` says why
            self._tasks.send(number)

    def take(self, wake: Any) -> Batch:
        """The batch of the earliest number that is not taken yet. Raises what its making raised."""
        if not self._ready:
            self._reply(wake)
            self._ready = True
        layout = self._reply(wake)
        block = self._blocks[self._turn % BLOCKS]
        self._turn += 1
        self._due.popleft()
        return read_batch(layout, block)

    def _reply(self, wake: Any) -> Any:
        ready = wait([self._replies, self._death, wake])
        if wake in ready:
            raise InterruptedError("the reader is closed")
        if self._replies not in ready and not self._replies.poll():  # what it sent before it ended still counts
            raise self._ended()
        try:
            reply: Reply = self._replies.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if isinstance(reply, Failure):
            raise self._failed(reply)
        return reply

    def _failed(self, failure: Failure) -> BaseException:
        error = failure.error()
        if self._ready:
            return error
        made = ConfigurationError(
            f"A process that should read ahead cannot load the source ({type(error).__name__}: {error}). It imports "
            "the modules that define it: put classes of a notebook or of `python -c` into a file. Or read with "
            "threads: leave out reading.processes."
        )
        made.__cause__ = error
        return made

    def _ended(self) -> Exception:
        self.wait(_PATIENCE)
        code = self._process.exitcode or 0
        if not self._ready and code >= 0:
            return ConfigurationError(
                f"A process that should read ahead ended with exit code {code} before it read anything; what it "
                "printed says why. A script that uses reading.processes must do its work under `if __name__ == "
                '"__main__":`, because each process imports it.'
            )
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        ended = f"A process that reads ahead was ended while it made {self._what} {self._due[0]}, {how}."
        if code == -signal.SIGKILL:
            return TryAgainError(
                f"{ended} Where nobody did that, the system did, for want of memory: take fewer processes or a smaller "
                "batch_size."
            )
        return DataError(
            f"{ended} The fault is in what the source or the augmenters call; look at that batch with "
            "reading.processes left out."
        )

    def dismiss(self) -> None:
        """Say that there are no more tasks."""
        self._tasks.close()

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended, but not for longer."""
        if self._process.pid is not None:
            self._process.join(max(0.0, seconds))

    def kill(self) -> None:
        """End the process if it has not ended, and wait for that."""
        with suppress(ValueError):  # it was closed before
            if self._process.pid is not None:
                self._process.kill()
                self._process.join()

    def end(self) -> None:
        """End the process and close everything."""
        self.kill()
        self._process.close()
        if self._death >= 0:
            os.close(self._death)
            self._death = -1
        for end in (self._tasks, self._replies, *self._theirs):
            end.close()
        for block in self._blocks:
            block.close()


def _death_of(process: SpawnProcess) -> int:
    """A file descriptor of its own that is ready once the process has ended."""
    try:
        return os.pidfd_open(process.pid or 0)
    except (AttributeError, OSError):  # not Linux, or an old one
        return os.dup(process.sentinel)  # a pipe, which a child that the process forks keeps open


@contextmanager
def _deaf() -> Iterator[None]:
    """Signals wait, for this thread and for processes that it starts: those have yet to learn to ignore them."""
    resource_tracker.ensure_running()  # which would let signals through, were it started by the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
