"""Hand: one process that makes batches, as the one sees it that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

from akid_core.data.batch import Batch
from akid_core.data.parcel import Parcel
from akid_core.data.shared import Block, read_batch
from akid_core.data.worker import SIGNALS, Failure, Reply, work
from akid_core.errors import ConfigurationError, DataError, TryAgainError

BLOCKS = 2
"""Batches that a process may be ahead: one is taken over while it makes the next."""
PATIENCE = 1.0
"""Seconds in which a process may finish its batch before it is ended."""
SPAWN = multiprocessing.get_context("spawn")
"""How processes are started: a forked child of a program with threads may hang."""


class Hand:
    """One process: two pipes, and the blocks in which its batches lie."""

    def __init__(self, parcel: Parcel, what: str) -> None:
        self._what = what
        self._due: deque[int] = deque()  # numbers that it was given, whose batches are not taken yet
        self._blocks = tuple(Block() for _ in range(BLOCKS))
        theirs, self._tasks = SPAWN.Pipe(duplex=False)
        self._replies, replies = SPAWN.Pipe(duplex=False)
        self._theirs = (theirs, replies)
        arguments = (theirs, replies, parcel, self._blocks)
        self._process = SPAWN.Process(target=work, args=arguments, name="akid-reader", daemon=True)
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
        self.wait(PATIENCE)
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
