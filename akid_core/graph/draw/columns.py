"""Columns: where boxes stand from left to right: in line with those above and below, and never overlapping."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from akid_core.graph.draw.mesh import Link, Mesh

_SWEEPS, _PASSES = 8, 2
_BETWEEN_BOXES, _BESIDE_JOINT = 28.0, 12.0
_BOX, _JOINT = 1000.0, 1.0
"""How strongly boxes and joints keep to their place: a line makes way for a box."""


def columns(mesh: Mesh) -> list[float]:
    """The middle of each node. Rows are settled one after the other, downwards and upwards in turn."""
    chains = sorted(_chains(mesh), key=len, reverse=True)
    weights = [_JOINT] * len(mesh.widths)
    for chain in chains:
        for node in filter(mesh.is_box, chain):
            weights[node] = _BOX * mesh.boxes[node].weight * len(chain) ** 2
    x = [0.0] * len(mesh.widths)
    for row in mesh.rows:
        _settle(mesh, row, x, [x[node] for node in row], weights)
    for sweep in range(_SWEEPS):
        links, rows = (mesh.above, mesh.rows) if sweep % 2 == 0 else (mesh.below, mesh.rows[::-1])
        before = list(x)
        for row in rows:
            _settle(mesh, row, x, [_median(links[node], x, x[node]) for node in row], weights)
        if x == before:
            break
    beside = _beside(mesh)
    chains.sort(key=lambda chain: mesh.pinned.get(chain[0], -1))  # what leads upwards last, the outer around the inner
    for _ in range(_PASSES):
        for rest in chains:
            while rest:
                rest = rest[_line_up(mesh, rest, beside, x) :]
    return x


def _median(links: Sequence[Link], x: Sequence[float], now: float) -> float:
    """Where the wires to the next row would be straight: the weighted median; between two halves, the middle."""
    if not links:
        return now
    ends = sorted((x[link.node] + link.shift, link.weight) for link in links)
    half = sum(weight for _, weight in ends) / 2
    passed = list(accumulate(weight for _, weight in ends))
    first = next(index for index, weight in enumerate(passed) if weight >= half)
    if passed[first] == half:
        return (ends[first][0] + ends[first + 1][0]) / 2
    return ends[first][0]


def _settle(mesh: Mesh, row: Sequence[int], x: list[float], wanted: Sequence[float], weights: Sequence[float]) -> None:
    """Put a row as near to the wanted places as its order and the gaps between allow (weighted least squares).

    By pooling: what would overlap moves together to the mean of the places that its members want.
    """
    offsets = [0.0, *accumulate(_apart(mesh, left, right) for left, right in pairwise(row))]
    pools: list[tuple[float, float, int]] = []  # place, weight, members
    for node, place, offset in zip(row, wanted, offsets, strict=False):
        pool = (place - offset, weights[node], 1)
        while pools and pools[-1][0] >= pool[0]:
            other = pools.pop()
            weight = other[1] + pool[1]
            pool = ((other[0] * other[1] + pool[0] * pool[1]) / weight, weight, other[2] + pool[2])
        pools.append(pool)
    places = (place for place, _, members in pools for _ in range(members))
    for node, place, offset in zip(row, places, offsets, strict=False):
        x[node] = place + offset


def _apart(mesh: Mesh, left: int, right: int) -> float:
    """The least distance between the middles of two neighbours in a row."""
    gap = _BETWEEN_BOXES if mesh.is_box(left) and mesh.is_box(right) else _BESIDE_JOINT
    return (mesh.widths[left] + mesh.widths[right]) / 2 + gap


def _chains(mesh: Mesh) -> list[list[int]]:
    """The paths on which each node is what the one above wants most to be in line with, and the reverse."""
    upper = [_dearest(links) for links in mesh.above]
    lower = [_dearest(links) for links in mesh.below]
    after = {node: other for node, other in enumerate(lower) if other is not None and upper[other] == node}
    chains = []
    for start in sorted(set(range(len(mesh.widths))).difference(after.values())):
        chain = [start]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        chains.append(chain)
    return chains


def _dearest(links: Sequence[Link]) -> int | None:
    """The neighbour whose wire weighs most; None where several do."""
    most = max((link.weight for link in links), default=0.0)
    found = {link.node for link in links if link.weight == most}
    return found.pop() if len(found) == 1 else None


def _beside(mesh: Mesh) -> dict[int, tuple[int | None, int | None]]:
    """The neighbours of each node in its row."""
    return {
        node: (left, right)
        for row in mesh.rows
        for left, node, right in zip([None, *row], row, [*row[1:], None], strict=False)
    }


def _line_up(mesh: Mesh, chain: Sequence[int], beside: dict[int, tuple[int | None, int | None]], x: list[float]) -> int:
    """Put as many of the first nodes of a chain in line as their neighbours leave room for, and say how many."""
    low, high, shifts = float("-inf"), float("inf"), [0.0]
    for number, node in enumerate(chain):
        left, right = beside[node]
        shift = shifts[-1]
        if number:
            shift += next(link.shift for link in mesh.above[node] if link.node == chain[number - 1])
        least = low if left is None else max(low, x[left] + _apart(mesh, left, node) - shift)
        most = high if right is None else min(high, x[right] - _apart(mesh, node, right) - shift)
        if number and least > most:
            break
        low, high = least, most
        shifts.append(shift)
    places = sorted(x[node] - shift for node, shift in zip(chain, shifts[1:], strict=False))
    line = low if chain[0] in mesh.pinned else max(low, min(high, places[len(places) // 2]))
    for node, shift in zip(chain, shifts[1:], strict=False):
        x[node] = line + shift
    return len(places)
