"""Picture: a System as a scene in which each System inside is a scene again, laid out by itself."""

from __future__ import annotations

from collections.abc import Sequence

from akid_core.graph.draw.facts import Facts
from akid_core.graph.draw.geometry import Box, Wire
from akid_core.graph.draw.layout import layout
from akid_core.graph.draw.parts import HEAD, Part, Piece, Scene, closed, end, layer, opened, port
from akid_core.graph.node import Edge, Node
from akid_core.graph.repeat import Repeat
from akid_core.graph.system import System
from akid_core.graph.wiring import wiring

Tap = tuple[str, int]
"""A value inside a System that is taken from outside by path, beside the outputs: the path within it, the output."""


def scene(system: System, facts: Facts, depth: int | None = None) -> Scene:
    """The whole System; Systems deeper than `depth` levels are closed, each a single box."""
    return _Level(system, facts, "", depth, ()).scene()


class _Level:
    """One System, whose parts are collected before they are laid out."""

    def __init__(self, system: System, facts: Facts, path: str, depth: int | None, taps: Sequence[Tap]) -> None:
        """`depth`: how many levels are shown, this one included; None: all."""
        self._system, self._facts, self._path, self._depth = system, facts, path, depth
        self._wiring = wiring(system)
        self._gives = [*self._wiring.outputs, *(Edge(source, output) for source, output in taps)]
        self._taps = self._tapped()
        self._pieces: list[Piece] = []
        self._at: dict[str, int] = {}

    def scene(self) -> Scene:
        for name in self._system.input_names:
            self._add(name, self._input(name))
        for name, node in self._system.named.items():
            self._add(name, self._member(name, node))
        ends = [(self._at[name], edges) for name, edges in self._wiring.edges.items()]
        for edge in self._gives:
            ends.append((len(self._pieces), (edge,)))
            self._pieces.append(self._output(edge))
        wires: list[Wire] = []
        labels: dict[int, str] = {}
        for target, edges in ends:
            for number, edge in enumerate(edges):
                if edge.delay:
                    labels[len(wires)] = f"@-{edge.delay}"
                wires.append(self._wire(edge, target, number))
        parts: tuple[Part, ...] = tuple(part for part, _ in self._pieces)
        boxes: tuple[Box, ...] = tuple(box for _, box in self._pieces)
        return Scene(parts, boxes, tuple(wires), labels, layout(boxes, wires, HEAD if self._path else 0.0))

    def _tapped(self) -> dict[str, list[Tap]]:
        """For each System inside the values that are taken from within it."""
        taps: dict[str, dict[Tap, None]] = {}
        for edge in [*(edge for edges in self._wiring.edges.values() for edge in edges), *self._gives]:
            head, _, rest = edge.source.partition("/")
            if rest:
                taps.setdefault(head, {})[rest, edge.output] = None
        return {head: list(found) for head, found in taps.items()}

    def _add(self, name: str, piece: Piece) -> int:
        self._at[name] = len(self._pieces)
        self._pieces.append(piece)
        return self._at[name]

    def _input(self, name: str) -> Piece:
        if self._path:
            return port(name if len(self._system.input_names) > 1 else "", upper=True)
        return end("input", name, self._facts.field(name))

    def _output(self, edge: Edge) -> Piece:
        if self._path:
            return port(str(edge) if len(self._gives) > 1 else "", upper=False)
        return end("output", str(edge))

    def _member(self, name: str, node: Node) -> Piece:
        path = f"{self._path}/{name}" if self._path else name
        if not isinstance(node.block, System):
            return layer(path, name, node, self._facts)
        if self._depth is not None and self._depth <= 1:
            return closed(path, name, node, node.block, self._facts)
        depth = None if self._depth is None else self._depth - 1
        system, home, taps = node.block, path, self._taps.get(name, ())
        if isinstance(system, Repeat) and not taps:  # one copy stands for all
            system, home = system.body, f"{path}/1"
        inside = _Level(system, self._facts, home, depth, taps).scene()
        return opened(path, name, node, inside, self._facts)

    def _wire(self, edge: Edge, target: int, number: int) -> Wire:
        source, output = self._source(edge, target)
        outs, ins = self._pieces[source][1].outs, self._pieces[target][1].ins
        return Wire(
            source=source,
            target=target,
            output=min(output, len(outs) - 1) if outs else output,
            input=min(number, len(ins) - 1) if ins else number,
            feedback=bool(edge.delay),
        )

    def _source(self, edge: Edge, target: int) -> tuple[int, int]:
        """The number of the part that a wire comes from, and of its output; what is not there yet is added."""
        head, _, rest = edge.source.partition("/")
        node = self._system.named.get(head)
        if rest and node is not None and isinstance(node.block, System):
            return self._at[head], len(wiring(node.block).outputs) + self._taps[head].index((rest, edge.output))
        if edge.source in self._at:
            return self._at[edge.source], edge.output
        measured = self._pieces[target][0].category in ("loss", "metric")
        spec = self._facts.field(edge.source)
        return self._add(edge.source, end("field" if measured else "unknown", edge.source, spec)), 0
