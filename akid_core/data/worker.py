"""What a reading process does: make batches when it is told to, until nobody tells it any more."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from akid_core.data.batch import Batch
from akid_core.data.parcel import Parcel
from akid_core.data.shared import Block, Layout, write_batch
from akid_core.errors import DataError

SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
"""What a terminal or a job's owner sends to all processes; the one that started the reading decides for its own."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way to another process. `pickled`: the error itself, where it can be pickled."""

    pickled: bytes | None
    name: str
    text: str
    notes: tuple[str, ...]
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        notes = tuple(getattr(error, "__notes__", ()))
        lines = traceback.format_exception(error)
        try:
            pickled = pickle.dumps(error)
            pickle.loads(pickled)
        except Exception:  # whatever hinders it, the text still arrives
            pickled = None
        return cls(pickled, type(error).__qualname__, str(error), notes, "".join(lines))

    def error(self) -> BaseException:
        """The error, or a `DataError` with its text; its cause shows what the other process was doing."""
        try:
            made = pickle.loads(self.pickled) if self.pickled else None
        except Exception:  # such as a class that this process does not have
            made = None
        if not isinstance(made, BaseException):
            made = DataError(f"{self.name}: {self.text}")
        for note in self.notes:
            if note not in getattr(made, "__notes__", ()):
                made.add_note(note)
        made.__cause__ = RemoteError(self.traceback)
        return made


class RemoteError(Exception):
    """An error as it was raised in another process: its traceback, as text."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


Reply = Layout | Failure | None
"""A batch in the block whose turn it is, an error, or at first: ready."""


def work(tasks: Any, replies: Any, parcel: Parcel, blocks: tuple[Block, ...]) -> None:
    """The main function of the process; `tasks` brings numbers of batches, `replies` takes a Reply for each."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _serve(tasks, replies, parcel, blocks)
    except (EOFError, BrokenPipeError):
        return  # nobody reads any more


def _serve(tasks: Any, replies: Any, parcel: Parcel, blocks: tuple[Block, ...]) -> None:
    try:
        make: Callable[[int], Batch] = parcel.open()
    except BaseException as error:
        replies.send(Failure.of(error))
        return
    replies.send(None)
    turn = 0
    while True:
        number = tasks.recv()
        try:
            reply: Reply = write_batch(make(number), blocks[turn % len(blocks)])
        except BaseException as error:  # whatever it is, it belongs to the reader
            reply = Failure.of(error)
        replies.send(reply)
        turn += 1


def _end_with_parent() -> None:
    """A source that is stuck would never see that its process is of no use."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
