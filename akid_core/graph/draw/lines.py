"""Lines: the curves of the wires, which run straight through the rows and bend only between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from akid_core.graph.draw.geometry import Box, Curve, Point, Wire
from akid_core.graph.draw.mesh import Mesh

_SPREAD = 16.0
"""The distance between the ends of two wires at a box, where its width allows."""

_FAR = 400.0
"""How far a line must lead aside to swing out by as much again, so that the outer of two passes around the inner."""

_STUB = 16.0
"""The length of what stands for a wire that is not drawn."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What lines run on: the boxes at their places, the middle of each node, and the upper and lower end of its row."""

    boxes: Sequence[Box]
    places: Sequence[Point]
    x: Sequence[float]
    tops: Sequence[float]
    bottoms: Sequence[float]
    turn: float
    """How far a line that leads upwards swings out below and above its row."""


def lines(ground: Ground, mesh: Mesh, wires: Sequence[Wire], upward: frozenset[int]) -> tuple[Curve, ...]:
    """The curve of each wire; of one that is not drawn, a stub over its target."""
    begins, ends = _exits(ground, mesh, wires, upward), _entries(ground, mesh, wires, upward)
    curves = []
    for number, (wire, joints) in enumerate(zip(wires, mesh.joints, strict=True)):
        begin, end = begins[number], ends[number]
        if joints is None:
            curves.append(_straight((end[0], end[1] - _STUB), end))
        elif number in upward:
            curves.append(_upwards(ground, begin, joints, end, wire))
        else:
            curves.append(_downwards(ground, begin, joints, end, wire))
    return tuple(curves)


def _downwards(ground: Ground, begin: Point, joints: Sequence[int], end: Point, wire: Wire) -> Curve:
    stops = [begin, (begin[0], ground.bottoms[wire.source])]
    for joint in joints:
        stops += [(ground.x[joint], ground.tops[joint]), (ground.x[joint], ground.bottoms[joint])]
    return _through([*stops, (end[0], ground.tops[wire.target]), end])


def _upwards(ground: Ground, begin: Point, joints: Sequence[int], end: Point, wire: Wire) -> Curve:
    """Down and out below the row of the source, up beside the rows, and in again above that of the target."""
    low, high = ground.bottoms[wire.source], ground.tops[wire.target]
    stops = []
    for joint in joints:
        stops += [(ground.x[joint], ground.bottoms[joint]), (ground.x[joint], ground.tops[joint])]
    depth = ground.turn * (0.7 + min((stops[0][0] - begin[0]) / _FAR, 0.6))
    outwards = _swing((begin[0], low), stops[0], depth)
    inwards = _swing(stops[-1], (end[0], high), -depth)
    return _joined(
        _straight(begin, (begin[0], low)), outwards, _through(stops), inwards, _straight((end[0], high), end)
    )


def _through(stops: Sequence[Point]) -> Curve:
    """A smooth line through points, upright at each."""
    pieces: list[Curve] = []
    for a, b in pairwise(stops):
        if a != b:
            middle = (a[1] + b[1]) / 2
            pieces.append(_straight(a, b) if a[0] == b[0] else (a, (a[0], middle), (b[0], middle), b))
    return _joined(*pieces) if pieces else (stops[0],)


def _straight(a: Point, b: Point) -> Curve:
    return (a, a, b, b)


def _swing(a: Point, b: Point, depth: float) -> Curve:
    """From one upright line to another beside it, around by `depth` downwards."""
    return (a, (a[0], a[1] + depth), (b[0], b[1] + depth), b)


def _joined(*pieces: Curve) -> Curve:
    return (pieces[0][0], *(point for piece in pieces for point in piece[1:]))


def _exits(ground: Ground, mesh: Mesh, wires: Sequence[Wire], upward: frozenset[int]) -> list[Point]:
    """Where each wire leaves: outputs side by side around the middle as they go, feedback to the right of all."""
    going: dict[int, dict[int, float]] = defaultdict(dict)
    for number, (wire, joints) in enumerate(zip(wires, mesh.joints, strict=True)):
        if not (wire.feedback or number in upward):
            going[wire.source].setdefault(wire.output, ground.x[joints[0] if joints else wire.target])
    outputs = {source: sorted(to, key=to.__getitem__) for source, to in going.items()}
    found = []
    for number, wire in enumerate(wires):
        box, (left, top) = ground.boxes[wire.source], ground.places[wire.source]
        if box.outs is not None:
            x = left + box.outs[wire.output]
        else:
            among = outputs.get(wire.source, [])
            rank = len(among) if wire.feedback or number in upward else among.index(wire.output)
            x = left + box.width / 2 + (rank - (len(among) - 1) / 2) * _step(box, len(among) + 1)
        found.append((x, top + box.height))
    return found


def _entries(ground: Ground, mesh: Mesh, wires: Sequence[Wire], upward: frozenset[int]) -> list[Point]:
    """Where each wire enters: from left to right as they come, one that comes straight from above in the middle.

    What comes up from below follows, the outermost first, so that these do not cross.
    """
    coming: dict[int, list[tuple[bool, float, int]]] = defaultdict(list)
    for number, (wire, joints) in enumerate(zip(wires, mesh.joints, strict=True)):
        x = ground.x[joints[-1]] if joints else ground.x[wire.source] + ground.boxes[wire.source].exit(wire.output)
        x = float("inf") if joints is None else x
        coming[wire.target].append((number in upward, -x if number in upward else x, number))
    found: list[Point] = [(0.0, 0.0)] * len(wires)
    for target, ends in coming.items():
        box, (left, top) = ground.boxes[target], ground.places[target]
        middle = left + box.width / 2
        ends.sort()
        straight = [rank for rank, (_, x, _) in enumerate(ends) if abs(x - middle) < 1.0]
        zero = straight[0] if len(straight) == 1 else (len(ends) - 1) / 2
        for rank, (_, _, number) in enumerate(ends):
            if box.ins is not None:
                x = left + box.ins[wires[number].input]
            else:
                x = middle + (rank - zero) * _step(box, len(ends) + 2 * abs(zero - (len(ends) - 1) / 2))
            found[number] = (x, top)
    return found


def _step(box: Box, number: float) -> float:
    """The distance between the ends of several wires at a box."""
    return max(min(_SPREAD, (box.width - _SPREAD) / number), 0.0)
