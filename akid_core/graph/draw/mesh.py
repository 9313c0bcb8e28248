"""Mesh: boxes in rows, and a joint in every row that a long wire crosses, so that wires join neighbouring rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from akid_core.graph.draw.geometry import Box, Wire

MARK_WIDTH = 34.0
"""What is kept free around a wire that leads upwards, for its label."""

_JOINTS = 6000
"""Joints in all; the longest wires beyond that are not drawn, since nobody could follow them."""

_STRAIGHT = (4.0, 1.0, 8.0)
"""How much a wire wants to be straight: between two boxes, a box and a joint, two joints."""


@dataclass(frozen=True, slots=True)
class Link:
    """A neighbour in the next row: where it is, by how much its end of the wire lies to the right of this one's."""

    node: int
    shift: float
    weight: float


@dataclass(slots=True)
class Mesh:
    """Nodes are numbered: first the boxes, then the joints.

    `rows`: the nodes of each layer. `row`: the layer of each node. `above`, `below`: its neighbours. `joints`: those of
    each wire, from its source to its target; None for a wire that is not drawn. `pinned`: joints of wires that lead
    upwards, which stay at the right, the shorter wire first.
    """

    boxes: Sequence[Box]
    rows: list[list[int]]
    row: list[int]
    widths: list[float]
    above: list[list[Link]]
    below: list[list[Link]]
    joints: list[list[int] | None] = field(default_factory=list)
    pinned: dict[int, int] = field(default_factory=dict)

    def is_box(self, node: int) -> bool:
        return node < len(self.boxes)

    def joint(self, row: int, width: float = 0.0) -> int:
        """A new joint at the end of a row."""
        self.row.append(row)
        self.widths.append(width)
        self.above.append([])
        self.below.append([])
        self.rows[row].append(len(self.widths) - 1)
        return len(self.widths) - 1

    def link(self, upper: int, leaves: float, lower: int, enters: float) -> None:
        """Join two nodes of neighbouring rows; `leaves`, `enters`: the ends of the wire, from their middles."""
        weight = _STRAIGHT[0] if self.is_box(upper) and self.is_box(lower) else _STRAIGHT[2]
        weight = _STRAIGHT[1] if self.is_box(upper) != self.is_box(lower) else weight
        self.above[lower].append(Link(upper, leaves - enters, weight))
        self.below[upper].append(Link(lower, enters - leaves, weight))


def mesh(boxes: Sequence[Box], wires: Sequence[Wire], layer: Sequence[int]) -> Mesh:
    """The mesh of boxes at their layers. Wires from one output share their joints as far as they go together."""
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for index in _from_sources(len(boxes), wires):
        rows[layer[index]].append(index)
    made = Mesh(boxes, rows, list(layer), [box.width for box in boxes], [[] for _ in boxes], [[] for _ in boxes])
    drawn = _drawn(wires, layer)
    trunks: dict[tuple[int, int, bool], list[int]] = {}
    for number, wire in enumerate(wires):
        if number not in drawn:
            made.joints.append(None)
        elif layer[wire.target] > layer[wire.source]:
            trunk = trunks.setdefault((wire.source, wire.output, wire.feedback), [])
            made.joints.append(_downwards(made, wire, layer, trunk))
        else:
            made.joints.append(_upwards(made, wire, layer))
    return made


def _drawn(wires: Sequence[Wire], layer: Sequence[int]) -> set[int]:
    """The wires that are drawn: the shorter, the sooner."""
    spans = [abs(layer[wire.target] - layer[wire.source]) for wire in wires]
    left = _JOINTS
    drawn = set()
    for number in sorted(range(len(wires)), key=spans.__getitem__):
        left -= max(spans[number] - 1, 0)
        if left < 0:
            break
        drawn.add(number)
    return drawn


def _downwards(made: Mesh, wire: Wire, layer: Sequence[int], trunk: list[int]) -> list[int]:
    """The joints of a wire that leads downwards, of which others from its output may have made some."""
    length = layer[wire.target] - layer[wire.source] - 1
    upper, leaves = wire.source, made.boxes[wire.source].exit(wire.output)
    for step in range(length):
        if step == len(trunk):
            trunk.append(made.joint(layer[wire.source] + 1 + step))
            made.link(upper, leaves, trunk[step], 0.0)
        upper, leaves = trunk[step], 0.0
    made.link(upper, leaves, wire.target, made.boxes[wire.target].entry(wire.input))
    return trunk[:length]


def _upwards(made: Mesh, wire: Wire, layer: Sequence[int]) -> list[int]:
    """The joints of a wire that leads upwards: one in the row of each end, too, beside the boxes there."""
    joints: list[int] = []
    for row in range(layer[wire.source], layer[wire.target] - 1, -1):
        joint = made.joint(row, MARK_WIDTH)
        made.pinned[joint] = layer[wire.source] - layer[wire.target]
        if joints:
            made.link(joint, 0.0, joints[-1], 0.0)
        joints.append(joint)
    return joints


def _from_sources(number: int, wires: Sequence[Wire]) -> list[int]:
    """The boxes, depth first along the wires: a first order within the rows in which branches stay together."""
    ahead: list[list[int]] = [[] for _ in range(number)]
    entered = [False] * number
    for wire in wires:
        if not wire.feedback:
            ahead[wire.source].append(wire.target)
            entered[wire.target] = True
    found: dict[int, None] = {}
    for start in sorted(range(number), key=lambda index: entered[index]):
        ahead_of = [start]
        while ahead_of:
            index = ahead_of.pop()
            if index not in found:
                found[index] = None
                ahead_of.extend(reversed(ahead[index]))
    return list(found)
