"""The train program in NumPy: forward, backward, update; one step after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from akid_core.backends.contract import Arrays, MetricStates, SpanResult, Trainer
from akid_core.bundled.numpy.network import OPS, Forward, NumpyNetwork
from akid_core.bundled.numpy.tape import Tape, Tensor
from akid_core.bundled.numpy.updater import Updater
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError
from akid_core.graph.resolved import Graph
from akid_core.optimizers.base import Optimizer

Part = tuple[Arrays, int]
"""The fields of some rows of a batch, `Batch.WEIGHTS` with them, and the number of the first."""


class Backward(NamedTuple):
    """A forward and a backward pass: the objective, its gradient by path, new values of state, and what was measured.

    `measures`: the states of losses and metrics of each part of the batch.
    """

    objective: float
    gradients: Arrays
    state: Arrays
    measures: list[MetricStates]


class Total(NamedTuple):
    """A loss over the whole batch: the weighted mean, and the sum of weights that it was divided by."""

    mean: float
    weight: float


class NumpyTrainer(Trainer):
    """Trains the parameters of a network in place."""

    def __init__(self, network: NumpyNetwork, optimizer: Optimizer, micro_batches: int = 1) -> None:
        if not network.graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one, in Python by `brain.with_loss(...)`, "
                "in YAML under `losses`."
            )
        self._network, self._micro_batches = network, micro_batches
        self._updater = Updater(network, optimizer)

    @np.errstate(all="ignore")
    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        objectives, measures = [], list[MetricStates]()
        for index, learning_rate in enumerate(learning_rates.tolist()):
            step = span.first_step + index
            backward = self._differentiate(span.batch(index), step, span.first_row)
            self._updater.step(backward.gradients, learning_rate, step + 1)
            for path, value in backward.state.items():
                self._network.native(path)[...] = value
            objectives.append(backward.objective)
            measures += backward.measures
        return SpanResult(np.array(objectives), _merged(self._network.graph, measures))

    @np.errstate(all="ignore")
    def gradients(self, batch: Batch, step: int) -> Arrays:
        return self._differentiate(batch, step, first_row=0).gradients

    def read_slots(self) -> Arrays:
        return self._updater.read()

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        self._updater.fill(values)

    def _differentiate(self, batch: Batch, step: int, first_row: int) -> Backward:
        """One batch, in its parts. Where there are several, totals are measured first: each part is a share of them."""
        graph, parts = self._network.graph, _parts(batch, self._micro_batches, first_row)
        totals = _totals(graph, (forward for *_, forward in self._walks(parts, step, ()))) if len(parts) > 1 else None
        gradients, state, measures = Arrays(), Arrays(), list[MetricStates]()
        for tape, watched, forward in self._walks(parts, step, graph.trained):
            totals = totals or _totals(graph, [forward])
            shares = tape.gradients(_target(graph, forward, totals), watched)
            gradients = {
                path: gradients.get(path, 0) + share for path, share in zip(graph.trained, shares, strict=True)
            }
            state |= forward.updates
            measures.append(self._network.measures(forward))
        assert totals is not None, "a batch has at least one part"
        objective = sum(loss.weight * totals[path].mean for path, loss in graph.loss_layers.items())
        return Backward(objective, gradients, state, measures)

    def _walks(
        self, parts: Sequence[Part], step: int, paths: Iterable[str]
    ) -> Iterator[tuple[Tape, list[Tensor], Forward]]:
        """Walk each part, training, with the parameters at `paths` on a tape; state is as the part before left it."""
        network, state = self._network, dict[str, Tensor]()
        for fields, first_row in parts:
            tape = Tape()
            watched = {path: tape.watch(network.native(path)) for path in paths}
            forward = network.forward(
                network.measured_calls, fields, watched | state, training=True, step=step, first_row=first_row
            )
            state |= {path: Tensor(value) for path, value in forward.updates.items()}
            yield tape, list(watched.values()), forward


def _parts(batch: Batch, count: int, first_row: int) -> list[Part]:
    """The batch in parts of nearly equal size, the larger ones first; no more than there are rows."""
    fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
    count = max(1, min(count, len(batch)))
    bounds = [-(-index * len(batch) // count) for index in range(count + 1)]
    return [
        ({name: values[start:stop] for name, values in fields.items()}, first_row + start)
        for start, stop in pairwise(bounds)
    ]


def _totals(graph: Graph, walks: Iterable[Forward]) -> dict[str, Total]:
    """Each loss over all walks; what counts for nothing has the mean 0."""
    sums = dict.fromkeys(graph.loss_layers, (0.0, 0.0))
    for forward in walks:
        for path, (values, weights) in sums.items():
            value, weight = (x.data for x in forward.values[path])
            sums[path] = values + float(np.sum(value * weight)), weights + float(np.sum(weight))
    return {path: Total(values / (weights or 1.0), weights or 1.0) for path, (values, weights) in sums.items()}


def _target(graph: Graph, forward: Forward, totals: Mapping[str, Total]) -> Tensor:
    """A number whose gradient is this walk's share of the objective's.

    The objective is the sum over losses of c * S / W, S being the sum of value * weight over the whole batch, W the sum
    of weights and c the loss's own. Its derivative is that of c * (S - mean * W) / total, mean and total being settled.
    """
    terms = []
    for path, loss in graph.loss_layers.items():
        value, weight = forward.values[path]
        mean, total = totals[path]
        terms.append((OPS.sum(value * weight) - OPS.sum(weight) * mean) * (loss.weight / total))
    target = terms[0]
    for term in terms[1:]:
        target = target + term
    return target


def _merged(graph: Graph, measures: list[MetricStates]) -> MetricStates:
    """The states of several walks joined, sums in float64."""
    merged: MetricStates = {}
    for path, first in measures[0].items():
        states: list[Mapping[str, Any]] = [measure[path] for measure in measures]
        metric = graph.metric_layers.get(path)
        if metric is not None:
            merged[path] = metric.merge(states)
        else:
            merged[path] = {part: sum(state[part] for state in states) for part in first}
    return merged
