"""Drawing: a Brain as a picture, in plain Python."""

from __future__ import annotations

from collections.abc import Mapping

from akid_core.graph.draw.facts import Facts
from akid_core.graph.draw.picture import scene
from akid_core.graph.draw.svg import svg
from akid_core.graph.resolved import Graph
from akid_core.graph.system import System
from akid_core.specs.tensor import TensorSpec

__all__ = ["draw"]


def draw(system: System, graph: Graph | None, fields: Mapping[str, TensorSpec], *, depth: int | None = None) -> str:
    """The picture of a description as SVG, with the shapes and counts of the `graph` that it resolves to.

    `fields`: what is known of the batch. `depth`: how many levels of Systems are shown, 1 for the outermost alone; None
    for all.
    """
    return svg(scene(system, Facts(graph, fields), depth), system.name or "")
