"""Wiring: what each block of a System takes, and what the System gives, with all that goes without saying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akid_core.graph.node import Edge
from akid_core.graph.system import System
from akid_core.specs.layer import Loss, Metric


@dataclass(frozen=True, slots=True)
class Wiring:
    """`edges`: the inputs of each member, by name. `outputs`: what the System gives."""

    edges: Mapping[str, tuple[Edge, ...]]
    outputs: tuple[Edge, ...]


def wiring(system: System) -> Wiring:
    """A block without inputs takes the block before it, the first the first input; the last block is the output.

    Losses and metrics take only what they name, and stand in nobody's way.
    """
    edges = {}
    before = tuple(map(Edge, system.input_names[:1]))
    for name, node in system.named.items():
        if isinstance(node.block, Loss | Metric):
            edges[name] = node.inputs
        else:
            edges[name], before = node.inputs or before, (Edge(name),)
    return Wiring(edges, system.ends or before)
