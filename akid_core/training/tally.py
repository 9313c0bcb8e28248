"""Tally: losses and metrics over many batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from akid_core.backends.contract import MetricStates
from akid_core.graph.resolved import Graph
from akid_core.training.result import Values


class Tally:
    """Sums the states of losses and metrics, and gives their figures.

    Sums are float64, added in the order of the spans, so that a resumed run has the same figures to the bit.
    """

    def __init__(self, graph: Graph) -> None:
        self._losses = graph.loss_layers
        self._metrics = graph.metric_layers
        self._states: MetricStates = {}

    def add(self, states: MetricStates) -> None:
        for path, state in states.items():
            held = self._states.get(path)
            metric = self._metrics.get(path)
            if metric is not None and metric.reduction != "sum":
                self._states[path] = metric.merge([held, state]) if held else dict(state)
            else:
                fresh = {part: np.asarray(value, dtype=np.float64) for part, value in state.items()}
                self._states[path] = {part: held[part] + fresh[part] for part in fresh} if held else fresh

    def values(self) -> Values:
        """`loss` (the objective), each loss by name where there are several, and each metric; empty before any batch."""
        if not self._states:
            return {}
        losses = {
            path: float(self._states[path]["sum"]) / count if (count := float(self._states[path]["count"])) else float("nan")
            for path in self._losses
        }
        values = {"loss": float(sum(self._losses[path].weight * value for path, value in losses.items()))} if losses else {}
        if len(losses) > 1:
            values.update(losses)
        values.update({path: metric.result(self._states[path]) for path, metric in self._metrics.items()})
        return values

    def clear(self) -> None:
        self._states = {}

    def to_json(self) -> dict[str, Any]:
        return {
            path: {part: [str(np.asarray(value).dtype), np.asarray(value).tolist()] for part, value in state.items()}
            for path, state in self._states.items()
        }

    def from_json(self, data: Mapping[str, Any]) -> None:
        self._states = {
            path: {part: np.asarray(value, dtype=dtype) for part, (dtype, value) in state.items()}
            for path, state in data.items()
        }
