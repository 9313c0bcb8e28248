"""Facts: shapes and numbers of parameters for the picture of a Brain, as far as they are settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from akid_core.graph.node import Edge
from akid_core.graph.resolved import Graph
from akid_core.graph.system import System
from akid_core.graph.wiring import wiring
from akid_core.specs.tensor import TensorSpec


class Facts:
    """What a resolved graph knows of the blocks of its description; without a graph, nothing."""

    def __init__(self, graph: Graph | None, fields: Mapping[str, TensorSpec]) -> None:
        self._graph = graph
        self._fields = {**(graph.inputs if graph else {}), **fields}
        self._counts: Counter[str] = Counter()
        # What is unrolled is called `rnn/h@0`, `rnn/h@1`; all steps look alike.
        self._calls = {call.path.partition("@")[0]: call for call in reversed(graph.calls)} if graph else {}
        for owner, call in {call.owner: call for call in graph.calls if call.params}.items() if graph else ():
            parts = owner.split("/")
            size = sum(param.size for param in call.params if param.trained)
            self._counts.update({"/".join(parts[: depth + 1]): size for depth in range(len(parts))})

    def parameters(self, path: str) -> str:
        """How many trained parameters a block has, with those inside it; empty for none."""
        return f"{count:,} parameter{'' if count == 1 else 's'}" if (count := self._counts[path]) else ""

    def field(self, name: str) -> str:
        """The spec of an input or a field of the batch; empty where it is not known."""
        return self._text(self._fields[name]) if name in self._fields else ""

    def gives(self, path: str, system: System | None = None) -> str:
        """The specs of what a block gives; `system`: the block, where it is one. Empty where they are not known."""
        if system is None:
            call = self._calls.get(path)
            return ", ".join(map(self._text, call.out_specs)) if call else ""
        specs = [self._given(system, path, number) for number in range(len(wiring(system).outputs))]
        return ", ".join(self._text(spec) for spec in specs if spec)

    def _given(self, system: System, path: str, output: int) -> TensorSpec | None:
        """The spec of an output of a System at `path`; an Unroll has calls of its own that give what it stacks."""
        stacked = self._calls.get(f"{path}:{output}" if output else path)
        outputs = wiring(system).outputs
        if stacked or output >= len(outputs):
            return stacked.out_specs[0] if stacked else None
        return self._spec(system, path, outputs[output])

    def _spec(self, system: System, path: str, edge: Edge) -> TensorSpec | None:
        """The spec of a value inside a System at `path`; None for what it only hands on."""
        head, _, rest = edge.source.partition("/")
        block = system.named[head].block if head in system.named else None
        here = f"{path}/{head}"
        if isinstance(block, System):
            return self._spec(block, here, Edge(rest, edge.output)) if rest else self._given(block, here, edge.output)
        call = self._calls.get(here) if block and not rest else None
        return call.out_specs[edge.output] if call and edge.output < len(call.out_specs) else None

    def _text(self, spec: TensorSpec) -> str:
        """A spec in short: its sizes, and its type where it is not that of the computation."""
        usual = self._graph is not None and spec.dtype == self._graph.precision.compute
        sizes = " \N{MULTIPLICATION SIGN} ".join(map(str, spec.shape)) or "one number"
        return sizes if usual else f"{spec.dtype} {sizes}"
