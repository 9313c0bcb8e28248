"""Order: each layer after those whose values it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from akid_core.errors import CycleError


def ordered(waits: Mapping[str, Sequence[str]]) -> list[str]:
    """The keys, each after those that it waits for; as written where that is such an order already.

    `waits` may name what is no key (inputs, fields): it is there from the start. Raises `CycleError`, which prints the
    cycle as a path.
    """
    done: dict[str, None] = {}
    for start in waits:
        path: list[tuple[str, Iterator[str]]] = []
        on_path: set[str] = set()
        ahead = None if start in done else start
        while ahead is not None or path:
            if ahead is not None:
                path.append((ahead, iter(waits[ahead])))
                on_path.add(ahead)
            name, awaited = path[-1]
            ahead = next((other for other in awaited if other in waits and other not in done), None)
            if ahead in on_path:
                raise _cycle([step for step, _ in path], str(ahead))
            if ahead is None:
                done[name] = None
                on_path.remove(name)
                path.pop()
    return list(done)


def _cycle(path: list[str], closing: str) -> CycleError:
    """Values flow against the waiting, so the cycle is printed in reverse: each block feeds the next."""
    around = path[path.index(closing) :]
    flow = [closing, *reversed(around)]
    return CycleError(
        f"These blocks wait for each other: {' -> '.join(flow)}. Take out one of the edges, or delay "
        f"it{_delayed(flow)}."
    )


def _delayed(flow: Sequence[str]) -> str:
    """How an edge between two blocks of one System is written with a delay: names are seen inside it alone."""
    for giver, taker in pairwise(flow):
        system, _, name = giver.rpartition("/")
        if taker.rpartition("/")[0] == system:
            return f": '{name}@-1' as the input of '{taker}'"
    return " with @-1"
