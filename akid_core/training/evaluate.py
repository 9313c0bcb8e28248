"""Evaluation: losses and metrics over a whole split, never disturbing training."""

from __future__ import annotations

from akid_core.data.sensor import Sensor
from akid_core.graph.resolved import Graph
from akid_core.strategies.base import Strategy
from akid_core.training.result import Values
from akid_core.training.tally import Tally


def evaluate(strategy: Strategy, graph: Graph, sensor: Sensor | None) -> Values:
    """Every row once, in order, without augmentation; empty where there is no such split."""
    if sensor is None:
        return {}
    tally = Tally(graph)
    with sensor.batches() as batches:
        for batch in batches:
            tally.add(strategy.reduce(strategy.measure(batch)))
    return tally.values()
