"""Graphs: blocks wired together, and what becomes of them when every name and spec is settled."""

from akid_core.graph.brain import Brain
from akid_core.graph.node import Edge, Node
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.graph.system import System

__all__ = ["Brain", "Call", "Edge", "Graph", "Node", "System", "Value"]
