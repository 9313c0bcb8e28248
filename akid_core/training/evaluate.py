"""Evaluation: losses and metrics over a whole split, never disturbing training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from akid_core.data.sensor import Sensor
from akid_core.graph.resolved import Graph
from akid_core.optimizers.average import Averages, running_means
from akid_core.strategies.base import Strategy
from akid_core.training.result import Values
from akid_core.training.tally import Tally


@contextmanager
def averaged(strategy: Strategy, averages: Averages) -> Iterator[None]:
    """Inside, the network holds the running means of its parameters, see `running_means`; then the parameters again."""
    params, slots = strategy.gather()
    strategy.network.fill(running_means(params, slots, averages))
    try:
        yield
    finally:
        strategy.network.fill(params)


def evaluate(strategy: Strategy, graph: Graph, sensor: Sensor | None) -> Values:
    """Every row once, in order, without augmentation; empty where there is no such split.

    Losses have the weights that the Brain says, whatever they are multiplied by while it trains, so that evaluations at
    different times compare.
    """
    if sensor is None:
        return {}
    tally = Tally(graph)
    with sensor.batches() as batches:
        for batch in batches:
            tally.add(strategy.reduce(strategy.measure(batch)))
    return tally.values()
