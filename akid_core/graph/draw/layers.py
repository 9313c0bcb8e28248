"""Layers: how far down each box stands, so that every wire but feedback leads downwards."""

from __future__ import annotations

from collections.abc import Sequence

from akid_core.graph.draw.geometry import Box, Wire


def layers(boxes: Sequence[Box], wires: Sequence[Wire]) -> list[int]:
    """The layer of each box, from 0: one below the lowest box that it waits for.

    A wire that closes a cycle is passed over as if it were feedback. What depends on nothing but itself, such as an
    input that joins late, moves down to where it is used.
    """
    ahead: list[list[int]] = [[] for _ in boxes]
    behind: list[list[int]] = [[] for _ in boxes]
    for wire in _acyclic(len(boxes), [wire for wire in wires if not wire.feedback]):
        ahead[wire.source].append(wire.target)
        behind[wire.target].append(wire.source)
    order = _sorted(ahead, behind)
    first = int(any(box.border == "top" for box in boxes))
    layer = [0 if box.border == "top" else first for box in boxes]
    for index in order:
        layer[index] = max([layer[index], *(layer[source] + 1 for source in behind[index])])
    loose = [False] * len(boxes)
    for index in order:
        loose[index] = boxes[index].border is None and all(
            loose[source] and len(ahead[source]) == 1 for source in behind[index]
        )
    for index in reversed(order):
        if loose[index] and ahead[index]:
            layer[index] = min(layer[target] for target in ahead[index]) - 1
    last = max((layer[i] for i, box in enumerate(boxes) if box.border != "bottom"), default=-1) + 1
    return [last if box.border == "bottom" else layer[i] for i, box in enumerate(boxes)]


def _acyclic(number: int, wires: Sequence[Wire]) -> list[Wire]:
    """The wires without those that lead back to a box on the way to their own (depth first, in the order given)."""
    leaving: list[list[Wire]] = [[] for _ in range(number)]
    for wire in wires:
        leaving[wire.source].append(wire)
    kept: list[Wire] = []
    seen, open_ = [False] * number, [False] * number
    for start in range(number):
        if seen[start]:
            continue
        seen[start] = open_[start] = True
        way = [(start, iter(leaving[start]))]
        while way:
            box, rest = way[-1]
            follows = next(rest, None)
            if follows is None:
                open_[box] = False
                way.pop()
            elif not open_[follows.target]:
                kept.append(follows)
                if not seen[follows.target]:
                    seen[follows.target] = open_[follows.target] = True
                    way.append((follows.target, iter(leaving[follows.target])))
    return kept


def _sorted(ahead: Sequence[Sequence[int]], behind: Sequence[Sequence[int]]) -> list[int]:
    """The boxes, each after those behind it."""
    waits = [len(sources) for sources in behind]
    order = [index for index, number in enumerate(waits) if not number]
    for index in order:  # grows on the way
        for target in ahead[index]:
            waits[target] -= 1
            if not waits[target]:
                order.append(target)
    return order
