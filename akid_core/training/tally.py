"""Tally: losses and metrics over many batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from akid_core.backends.contract import MetricStates
from akid_core.errors import PluginError
from akid_core.graph.resolved import Graph
from akid_core.specs.layer import Metric
from akid_core.training.result import Values

State = Mapping[str, Any]


def figures(graph: Graph) -> list[str]:
    """The names of what a Tally gives: `loss` (the objective), each loss where there are several, each metric."""
    losses = list(graph.loss_layers)
    return [*(["loss"] if losses else []), *(losses if len(losses) > 1 else []), *graph.metric_layers]


def scalars(graph: Graph) -> list[str]:
    """The names of those figures that are numbers: what can be tracked."""
    arrays = {path for path, metric in graph.metric_layers.items() if not metric.scalar}
    return [name for name in figures(graph) if name not in arrays]


class Tally:
    """Joins the states of losses and metrics, and gives their figures.

    Sums are float64, added in the order of the spans, so that a resumed run has the same figures to the bit. What is
    gathered is kept in pieces until it is asked for.
    """

    def __init__(self, graph: Graph) -> None:
        self._names = figures(graph)
        self._losses = graph.loss_layers
        self._metrics = graph.metric_layers
        self._gathered = {path for path, metric in self._metrics.items() if metric.reduction != "sum"}
        self._joins = {path: _join(metric) for path, metric in self._metrics.items()}
        self._pieces: dict[str, list[State]] = {}

    def add(self, states: MetricStates) -> None:
        for path, state in states.items():
            pieces = self._pieces.setdefault(path, [])
            if path in self._gathered:
                pieces.append(state)
                continue
            pieces.append({part: np.asarray(value, dtype=np.float64) for part, value in state.items()})
            if len(pieces) > 1:
                pieces[:] = [self._joined(path)]

    def values(self, factors: Mapping[str, float] | None = None) -> Values:
        """The figures by name, in the order of `figures`; empty before any batch.

        `factors`: what the weights of losses are multiplied by in the objective.
        """
        if not self._pieces:
            return {}
        losses = {path: _mean(self._joined(path)) for path in self._losses}
        metrics = {path: _figure(path, metric, self._joined(path)) for path, metric in self._metrics.items()}
        given = factors or {}
        weights = {path: loss.weight * given.get(path, 1.0) for path, loss in self._losses.items()}
        # A loss that counts for nothing now may have been met by no row.
        objective = float(sum(weights[path] * value for path, value in losses.items() if weights[path]))
        found = {**losses, **metrics, "loss": objective}
        return {name: found[name] for name in self._names}

    def clear(self) -> None:
        self._pieces = {}

    def to_json(self) -> dict[str, Any]:
        return {
            path: {part: _written(np.asarray(value)) for part, value in self._joined(path).items()}
            for path in self._pieces
        }

    def from_json(self, data: Mapping[str, Any]) -> None:
        """Take over what `to_json` gave, to the bit."""
        self._pieces = {path: [{part: _read(*value) for part, value in state.items()}] for path, state in data.items()}

    def _joined(self, path: str) -> State:
        pieces = self._pieces[path]
        return self._joins.get(path, _sum)(pieces) if len(pieces) > 1 else pieces[0]


def _join(metric: Metric) -> Callable[[Sequence[State]], State]:
    """How states of a metric are joined: as it says, which for nearly all is a plain sum."""
    plain = metric.reduction == "sum" and type(metric).merge is Metric.merge
    return _sum if plain else metric.merge


def _sum(states: Sequence[State]) -> State:
    first, *rest = states
    return {part: sum((state[part] for state in rest), first[part]) for part in first}


def _mean(state: State) -> float:
    count = float(state["count"])
    return float(state["sum"]) / count if count else float("nan")


def _figure(path: str, metric: Metric, state: State) -> Any:
    """What a metric gives, as plain numbers. Raises `PluginError` for an array where a number is promised."""
    figure = np.asarray(metric.result(state), np.float64)
    if metric.scalar and figure.ndim:
        raise PluginError(
            f"The metric {path!r} ({type(metric).__name__}) promises a number, and its result has the shape "
            f"{figure.shape}: let its class say `scalar: ClassVar[bool] = False`."
        )
    return figure.tolist()


def _written(array: np.ndarray) -> list[Any]:
    return [str(array.dtype), list(array.shape), array.ravel().tolist()]


def _read(dtype: str, shape: list[int], values: list[Any]) -> np.ndarray:
    return np.asarray(values, dtype=dtype).reshape(shape)
