"""Processes: a Reader whose batches are made by processes, for Sources that keep Python busy."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.util import Finalize
from typing import Any, TypeVar

import numpy as np

from akid_core.data.batch import Batch
from akid_core.data.crew import Crew
from akid_core.data.prefetch import Lane, Reader
from akid_core.data.reading import Reading
from akid_core.errors import DataError

T = TypeVar("T")


class Processes(Reader[T]):
    """A Reader of items that are made of batches, which processes make.

    An item of `plan` is (first, count): `make` makes its batches number first to first + count - 1, each in a process;
    it is picklable with all that it knows. `join(first, stack)` forms the item from them: `stack` has their arrays,
    stacked, and the item may keep them. `what`: what a batch is called in errors. `reading` says how many processes
    read and how many items are kept ready; a thread takes the batches over as they come.

    The processes end with the items, with `close`, when the reader is forgotten, at the interpreter's exit, and when
    this process is killed. Where an item would have come, raises the error that its making raised,
    `ConfigurationError` where processes cannot be started or cannot load what they are sent, and `TryAgainError` or
    `DataError` where one was ended.
    """

    def __init__(
        self,
        make: Callable[[int], Batch],
        plan: Iterable[tuple[int, int]],
        join: Callable[[int, Batch], T],
        reading: Reading,
        *,
        what: str = "batch",
    ) -> None:
        super().__init__(())
        crew = Crew(make, reading.processes, what)
        self._lane: Lane[T, T] = Lane(_same, _joined(crew, plan, join), threads=1, ahead=reading.ahead)
        # Unlike weakref.finalize, it also runs at the end of a process of multiprocessing, before that waits for those
        # that it has started; and never in a forked child. It knows the lane and the crew, not the reader.
        self._finalizer = Finalize(self, _end, (self._lane, crew), exitpriority=1)
        self._lane.start()

    def _take(self) -> T:
        return self._lane.take()

    def close(self) -> None:
        self._finalizer()


def _same(item: T) -> T:
    return item


def _end(lane: Lane[Any, Any], crew: Crew) -> None:
    crew.interrupt()
    try:
        lane.stop()
    finally:
        crew.stop()


def _joined(crew: Crew, plan: Iterable[tuple[int, int]], join: Callable[[int, Batch], T]) -> Iterator[T]:
    asked: deque[tuple[int, int]] = deque()

    def numbers() -> Iterator[int]:
        for first, count in plan:
            asked.append((first, count))
            yield from range(first, first + count)

    batches = crew.batches(numbers())
    for batch in batches:
        first, count = asked.popleft()
        yield join(first, _stack(batch, itertools.islice(batches, count - 1), count))


def _stack(first: Batch, rest: Iterator[Batch], count: int) -> Batch:
    """One batch of `count` whose arrays have a leading dimension, each copied before the next one is asked for."""

    def room(values: np.ndarray) -> np.ndarray:
        return np.empty((count, *values.shape), values.dtype)

    stack = Batch(
        {name: room(values) for name, values in first.fields.items()},
        room(first.weights),
        room(first.positions),
        room(first.rows),
    )
    for place, batch in enumerate(itertools.chain((first,), rest)):
        for name, values in batch.fields.items():
            if values.shape != stack.fields[name].shape[1:]:
                raise DataError(
                    f"The field '{name}' is {list(stack.fields[name].shape[1:])} in one batch and "
                    f"{list(values.shape)} in the next; steps that are taken in one span need rows of one shape."
                )
            stack.fields[name][place] = values
        stack.weights[place], stack.positions[place], stack.rows[place] = batch.weights, batch.positions, batch.rows
    return stack
