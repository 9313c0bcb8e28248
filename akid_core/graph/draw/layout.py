"""Layout: where boxes and wires lie. Boxes in rows from top to bottom, wires between them.

The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
(1981): layers, the order within each, coordinates, lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from akid_core.graph.draw.columns import columns
from akid_core.graph.draw.crossings import untangle
from akid_core.graph.draw.geometry import Box, Curve, Layout, Point, Wire
from akid_core.graph.draw.layers import layers
from akid_core.graph.draw.lines import Ground, lines
from akid_core.graph.draw.mesh import Mesh, mesh

_GAP, _WIDEST_GAP, _LEANING = 22.0, 60.0, 0.08
"""Between two rows: where all wires are upright, at most, and more for each pixel that a wire leads aside."""

_TURN = 20.0
"""Additional room where wires turn upwards, or carry a label."""


def layout(boxes: Sequence[Box], wires: Sequence[Wire], head: float = 0.0) -> Layout:
    """Boxes that do not overlap and wires that do not run through them; the same input gives the same layout.

    Every wire leads downwards but feedback to a box that is not below its own, and wires that close a cycle. `head`:
    the height kept free below what lies on the upper border.
    """
    layer = layers(boxes, wires)
    upward = frozenset(i for i, wire in enumerate(wires) if layer[wire.target] <= layer[wire.source])
    net = mesh(boxes, wires, layer)
    untangle(net)
    x = columns(net)
    left = min((x[node] - width / 2 for node, width in enumerate(net.widths)), default=0.0)
    x = [middle - left for middle in x]
    tops, bottoms, height = _bands(net, x, wires, upward, head)
    places = tuple(
        (x[i] - box.width / 2, tops[row] if box.border else (tops[row] + bottoms[row] - box.height) / 2)
        for i, (box, row) in enumerate(zip(boxes, layer, strict=True))
    )
    ground = Ground(boxes, places, x, [tops[row] for row in net.row], [bottoms[row] for row in net.row], _TURN)
    curves = lines(ground, net, wires, upward)
    marks = {
        number: _mark(ground, joints, curves[number]) for number, joints in enumerate(net.joints) if joints is not None
    }
    width = max((x[node] + extent / 2 for node, extent in enumerate(net.widths)), default=0.0)
    return Layout(width, height, places, curves, upward, marks)


def _mark(ground: Ground, joints: Sequence[int], curve: Curve) -> Point:
    """A point of a line that no box covers: beside the boxes of a row, or on its longest piece between two rows."""
    if joints:
        joint = joints[len(joints) // 2]
        return ground.x[joint], (ground.tops[joint] + ground.bottoms[joint]) / 2
    pieces = [curve[i : i + 4] for i in range(0, len(curve) - 1, 3)]
    a, b, c, d = max(pieces, key=lambda piece: piece[3][1] - piece[0][1])
    return (a[0] + 3 * b[0] + 3 * c[0] + d[0]) / 8, (a[1] + 3 * b[1] + 3 * c[1] + d[1]) / 8


def _bands(
    net: Mesh, x: Sequence[float], wires: Sequence[Wire], upward: frozenset[int], head: float
) -> tuple[list[float], list[float], float]:
    """The upper and lower end of each row, and the height of all."""
    turning = {net.row[wires[i].source] + 1 for i in upward}
    turning |= {net.row[wire.target] for i, wire in enumerate(wires) if wire.feedback or i in upward}
    tops, bottoms = [], []
    y = _TURN if 0 in turning else 0.0
    for number, row in enumerate(net.rows):
        if number:
            aside = max(
                (abs(x[link.node] + link.shift - x[node]) for node in row for link in net.above[node]), default=0
            )
            y += min(_GAP + _LEANING * aside, _WIDEST_GAP) + (_TURN if number in turning else 0.0)
        tops.append(y)
        y += max((net.boxes[node].height for node in row if net.is_box(node)), default=0.0)
        y += head if number == 0 else 0.0
        bottoms.append(y)
    return tops, bottoms, y + (_TURN if len(net.rows) in turning else 0.0)
