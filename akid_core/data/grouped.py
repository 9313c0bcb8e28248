"""Grouped: small spans that are made together, since a span costs as much by itself as hundreds of its rows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

import numpy as np

from akid_core.data.augmenter import Specs
from akid_core.data.batch import Span
from akid_core.data.prefetch import Reader
from akid_core.errors import OpenSizeError

_ROWS, _BYTES = 1024, 1 << 24
"""Of all batches that are made together: more of them gain nothing, and the first one would be long in coming."""

Item = tuple[int, int]
"""First step and number of steps of a span."""


def steps_together(specs: Specs, batch_size: int) -> int:
    """How many batches of these fields are made together; one where rows may differ in their sizes."""
    try:
        row = sum(math.prod(spec.row) * np.dtype(spec.dtype).itemsize for spec in specs.values())
    except OpenSizeError:
        return 1
    return max(1, min(_ROWS // batch_size, _BYTES // max(1, row * batch_size)))


def grouped(plan: Iterable[Item], fits: Callable[[int, int], bool]) -> Iterator[Sequence[Item]]:
    """The items of `plan` in groups of those that follow each other, as long as a span of all together `fits`."""
    group: list[Item] = []
    for step, count in plan:
        if group:
            first, end = group[0][0], sum(group[-1])
            if step != end or not fits(first, step + count - first):
                yield group
                group = []
        group.append((step, count))
    if group:
        yield group


def made_together(group: Sequence[Item], span: Callable[[int, int], Span]) -> list[Span | Exception]:
    """The span of each item, cut out of one for all; after an error one by one, so that it stands in its place."""
    first, end = group[0][0], sum(group[-1])
    try:
        whole = span(first, end - first)
    except Exception as error:
        return [error] if len(group) == 1 else _one_by_one(group, span)
    return [whole] if len(group) == 1 else [whole.part(step - first, count) for step, count in group]


def _one_by_one(group: Sequence[Item], span: Callable[[int, int], Span]) -> list[Span | Exception]:
    made: list[Span | Exception] = []
    for item in group:
        try:
            made.append(span(*item))
        except Exception as error:
            return [*made, error]
    return made


class Apart(Reader[Span]):
    """A Reader of the spans in the groups that another one gives; an error among them is raised in its place."""

    def __init__(self, groups: Reader[list[Span | Exception]]) -> None:
        super().__init__(())
        self._groups = groups
        self._made: deque[Span | Exception] = deque()

    def _take(self) -> Span:
        if not self._made:
            self._made.extend(next(self._groups))
        made = self._made.popleft()
        if isinstance(made, Exception):
            self.close()
            raise made
        return made

    def close(self) -> None:
        self._made.clear()
        self._groups.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._made.clear()
        self._groups.__exit__(kind, error, traceback)
