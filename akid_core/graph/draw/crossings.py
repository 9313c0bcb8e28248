"""Crossings: the order of the boxes in each row, chosen so that few wires cross.

Each row in turn is sorted by the mean places of its neighbours in the row before, downwards and upwards in turn; of the
orders met, the one with the fewest crossings stays.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from akid_core.graph.draw.mesh import Link, Mesh

_SWEEPS = 12


def untangle(mesh: Mesh) -> None:
    """Sort the rows of a mesh; what is pinned stays at the right, the shorter wire first."""
    best = _pinned_last(mesh, mesh.rows)
    least = _crossings(mesh, best)
    rows = best
    for sweep in range(_SWEEPS):
        if not least:
            break
        rows = _swept(mesh, rows, downwards=sweep % 2 == 0)
        crossings = _crossings(mesh, rows)
        if crossings < least:
            best, least = rows, crossings
    mesh.rows = best


def _swept(mesh: Mesh, rows: Sequence[Sequence[int]], downwards: bool) -> list[list[int]]:
    place = _places(mesh, rows)
    links = mesh.above if downwards else mesh.below
    swept = [list(row) for row in rows]
    for number in range(len(swept)) if downwards else reversed(range(len(swept))):
        row = swept[number]
        wanted = {node: _mean(mesh, links[node], place, place[node]) for node in row}
        swept[number] = row = _last(mesh, sorted(row, key=wanted.__getitem__))
        place.update((node, index) for index, node in enumerate(row))
    return swept


def _mean(mesh: Mesh, links: Sequence[Link], place: dict[int, float], now: float) -> float:
    """The mean place of the ends of the wires; a node without any stays where it is."""
    return sum(_end(mesh, link, place) for link in links) / len(links) if links else now


def _end(mesh: Mesh, link: Link, place: dict[int, float]) -> float:
    """The place in its row where a wire ends: that of the box, and the part of its width."""
    return place[link.node] + link.shift / (mesh.widths[link.node] + 1.0) / 2


def _places(mesh: Mesh, rows: Sequence[Sequence[int]]) -> dict[int, float]:
    return {node: float(index) for row in rows for index, node in enumerate(row)}


def _pinned_last(mesh: Mesh, rows: Sequence[Sequence[int]]) -> list[list[int]]:
    return [_last(mesh, row) for row in rows]


def _last(mesh: Mesh, row: Sequence[int]) -> list[int]:
    return sorted(row, key=lambda node: mesh.pinned.get(node, -1)) if mesh.pinned else list(row)


def _crossings(mesh: Mesh, rows: Sequence[Sequence[int]]) -> int:
    """How many pairs of wires cross, from row to row."""
    place = _places(mesh, rows)
    total = 0
    for row in rows:
        passed: list[float] = []
        for node in row:
            lower = sorted(_end(mesh, link, place) for link in mesh.below[node])
            total += sum(len(passed) - bisect_right(passed, end) for end in lower)
            for end in lower:
                insort(passed, end)
    return total
