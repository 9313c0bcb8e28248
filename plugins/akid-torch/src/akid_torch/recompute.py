"""Recomputing: pieces of a program whose values are computed again for the backward pass instead of being kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from akid_torch.context import Frame
from akid_torch.operation import Operation, Slots, ending, walk


def pieces(operations: Sequence[Operation], keep: set[int], globs: Sequence[str]) -> list[Operation]:
    """The operations, those in a row whose paths match one of `globs` as one piece that is recomputed.

    `keep`: the numbers of the values that somebody wants in the end.
    """
    made: list[Operation] = []
    runs = [(glob, list(run)) for glob, run in groupby(operations, lambda operation: _matching(operation.path, globs))]
    for place, (glob, run) in enumerate(runs):
        if glob is None:
            made += run
        else:
            after = (number for _, later in runs[place + 1 :] for operation in later for number in operation.sources)
            made.append(_piece(run, keep.union(after)))
    return made


def _matching(path: str, globs: Sequence[str]) -> str | None:
    return next((glob for glob in globs if fnmatchcase(path, glob)), None)


def _piece(inner: list[Operation], wanted: set[int]) -> Operation:
    """One operation in the place of several. Of what they give, it gives only what is wanted after them."""
    given = [number for operation in inner for number in operation.given]
    first, count = given[0], len(given)
    sources = tuple(dict.fromkeys(number for each in inner for number in each.sources if number not in given))
    ordered = ending(inner, keep=wanted)

    def run(frame: Frame, *inputs: Tensor) -> list[Tensor | None]:
        passes = _passes(frame)

        def once(*inputs: Tensor) -> list[Tensor | None]:
            slots: Slots = [None] * (first + count)
            for number, value in zip(sources, inputs, strict=True):
                slots[number] = value
            walk(ordered, slots, next(passes))
            return [slots[number] if number in wanted else None for number in given]

        # Dropout is a function of its place, so torch's generators need not be kept and put back.
        outputs: list[Tensor | None] = checkpoint(once, *inputs, use_reentrant=False, preserve_rng_state=False)
        return outputs

    return Operation(run, run, True, sources, first, count, path="")


def _passes(frame: Frame) -> Iterator[Frame]:
    """The frame for the first pass; then such as see the state that the first one saw, and leave it alone."""
    before = dict(frame.updates)
    yield frame
    while True:
        yield Frame(frame.training, frame.step, frame.rows, learning=False, updates=dict(before))
