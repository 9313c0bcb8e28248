"""The train program in NumPy: forward, backward, update; one pass after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from akid_core.backends.contract import Arrays, MetricStates, SpanResult, Trainer
from akid_core.bundled.numpy.network import OPS, Forward, NumpyNetwork
from akid_core.bundled.numpy.tape import Tape, Tensor
from akid_core.bundled.numpy.updater import Updater
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, DataError, UnknownNameError, suggest
from akid_core.graph.lookup import listed
from akid_core.graph.resolved import Graph, Value
from akid_core.optimizers.regime import Regime

Part = tuple[Arrays, int]
"""The fields of some rows of a batch, `Batch.WEIGHTS` with them, and the number of the first."""

Weights = Mapping[str, float]
"""What each loss counts for, by path."""


class Wanted(NamedTuple):
    """What one phase asks of a pass: the gradient by these parameters, of the sum of these losses."""

    params: tuple[str, ...]
    losses: tuple[str, ...]


class Pass(NamedTuple):
    """A forward and a backward pass over a batch.

    `objective`: the sum of all losses. `gradients`: by path, for each phase that asked. `state`: new values of state.
    `measures`: the states of losses and metrics of each part of the batch.
    """

    objective: float
    gradients: list[Arrays]
    state: Arrays
    measures: list[MetricStates]


class Total(NamedTuple):
    """A loss over the whole batch: the weighted mean, and the sum of weights that it was divided by."""

    mean: float
    weight: float


class NumpyTrainer(Trainer):
    """Trains the parameters of a network in place."""

    def __init__(self, network: NumpyNetwork, regime: Regime, micro_batches: int = 1) -> None:
        if not network.graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one, in Python by `brain.with_loss(...)`, "
                "in YAML under `losses`."
            )
        self._network, self._regime, self._micro_batches = network, regime, micro_batches
        self._turns = regime.turns(network.graph.trained, list(network.graph.loss_layers))
        self._updaters = [Updater(network, turn.optimizer, turn.params) for turn in self._turns]

    @np.errstate(all="ignore")
    def run(
        self, span: Span, learning_rates: np.ndarray, loss_weights: Mapping[str, np.ndarray] | None = None
    ) -> SpanResult:
        rates = learning_rates.reshape(span.steps, len(self._turns))
        objectives, measures = [], list[MetricStates]()
        for index in range(span.steps):
            factors = {path: float(factor[index]) for path, factor in (loss_weights or {}).items()}
            first = self._step(span, index, rates[index].tolist(), self._weights(factors))
            objectives.append(first.objective)
            measures += first.measures
        return SpanResult(np.array(objectives), _merged(self._network.graph, measures))

    @np.errstate(all="ignore")
    def gradients(self, batch: Batch, step: int, values: Sequence[Value] = ()) -> Arrays:
        graph = self._network.graph
        given = {str(Value(call.path, output)) for call in graph.practised for output in range(len(call.out_specs))}
        for name in map(str, values):
            if name not in given:
                raise UnknownNameError(
                    f"No block that the losses need gives {name!r}.{suggest(name, given)} They need: {listed(given)}."
                )
        wanted = [Wanted(graph.trained, tuple(graph.loss_layers))]
        return self._pass(batch, step, 0, wanted, self._weights({}), values).gradients[0]

    def read_slots(self) -> Arrays:
        return {name: slot.copy() for name, slot in self._slots().items()}

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        slots = self._slots()
        for name, value in values.items():
            if name not in slots:
                kept = ", ".join(turn.optimizer.component() for turn in self._turns)
                raise UnknownNameError(
                    f"{kept} keeps nothing called {name!r}.{suggest(name, slots)} "
                    f"It keeps: {', '.join(slots) or 'nothing'}."
                )
            if np.shape(value) != slots[name].shape:
                raise DataError(f"The slot {name!r} has shape {slots[name].shape}, and was given {np.shape(value)}.")
        for name, slot in slots.items():
            slot[...] = values.get(name, 0)

    def _slots(self) -> Arrays:
        return {name: slot for updater in self._updaters for name, slot in updater.slots.items()}

    def _weights(self, factors: Weights) -> dict[str, float]:
        losses = self._network.graph.loss_layers
        return {path: loss.weight * factors.get(path, 1.0) for path, loss in losses.items()}

    def _step(self, span: Span, index: int, rates: Sequence[float], weights: Weights) -> Pass:
        """One step: the passes in their order, each followed by the phases that share it. Gives the first pass."""
        step, batch, first = span.first_step + index, span.batch(index), None
        for numbers in self._regime.passes(step) or [[]]:
            wanted = [Wanted(self._turns[number].params, self._turns[number].losses) for number in numbers]
            found = self._pass(batch, step, span.first_row, wanted, weights)
            for number, gradients in zip(numbers, found.gradients, strict=True):
                count = self._turns[number].phase.count(step)
                self._updaters[number].step(gradients, rates[number], count)
            first = first or found
        assert first is not None, "a step takes at least one pass"
        for path, value in first.state.items():
            self._network.native(path)[...] = value
        return first

    def _pass(
        self,
        batch: Batch,
        step: int,
        first_row: int,
        wanted: Sequence[Wanted],
        weights: Weights,
        values: Sequence[Value] = (),
    ) -> Pass:
        """One batch, in its parts. Where there are several, totals are measured first: each part is a share of them.

        `values`: outputs of calls; the first of `wanted` gets the gradient by them too.
        """
        graph, parts = self._network.graph, _parts(batch, self._micro_batches, first_row)
        totals = _totals(graph, (walk[-1] for walk in self._walks(parts, step, ()))) if len(parts) > 1 else None
        gradients: list[Arrays] = [{} for _ in wanted]
        state, measures = Arrays(), list[MetricStates]()
        paths = dict.fromkeys(path for each in wanted for path in each.params)
        for tape, watched, forward in self._walks(parts, step, paths, values):
            totals = totals or _totals(graph, [forward])
            for each, sums in zip(wanted, gradients, strict=True):
                sources = {path: watched[path] for path in (*each.params, *map(str, values))}
                shares = tape.gradients(_target(graph, forward, totals, each.losses, weights), list(sources.values()))
                for path, share in zip(sources, shares, strict=True):
                    sums[path] = _joined(sums.get(path), share, by_rows=path not in paths)
            state |= forward.updates
            measures.append(self._network.measures(forward))
        assert totals is not None, "a batch has at least one part"
        objective = sum(weights[path] * totals[path].mean for path in graph.loss_layers)
        return Pass(objective, gradients, state, measures)

    def _walks(
        self, parts: Sequence[Part], step: int, paths: Iterable[str], values: Collection[Value] = ()
    ) -> Iterator[tuple[Tape, dict[str, Tensor], Forward]]:
        """Walk each part, training, with the parameters at `paths` and the `values` on a tape, by path and text.

        State is as the part before left it.
        """
        network, state = self._network, dict[str, Tensor]()
        for fields, first_row in parts:
            tape = Tape()
            watched = {path: tape.watch(network.native(path)) for path in paths}
            params = watched | state

            def bent(value: Value, tensor: Tensor, tape: Tape = tape, watched: dict[str, Tensor] = watched) -> Tensor:
                if value in values:
                    # One more operation, so that the tape keeps the gradient of what is taken from here on.
                    tensor = watched[str(value)] = tape.add(tensor.data, [(tensor, _same)] if tensor.tape else [])
                return tensor

            forward = network.forward(
                network.graph.practised, fields, params, bent=bent, training=True, step=step, first_row=first_row
            )
            state |= {path: Tensor(value) for path, value in forward.updates.items()}
            yield tape, watched, forward


def _same(gradient: np.ndarray) -> np.ndarray:
    return gradient


def _joined(before: np.ndarray | None, share: np.ndarray, *, by_rows: bool) -> np.ndarray:
    """The gradient of several parts: by a parameter their sum, by a value of the rows one after the other."""
    if before is None:
        return share
    return np.concatenate([before, share]) if by_rows else before + share


def _parts(batch: Batch, count: int, first_row: int) -> list[Part]:
    """The batch in parts of nearly equal size, the larger ones first; no more than there are rows."""
    fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
    count = max(1, min(count, len(batch)))
    least, larger = divmod(len(batch), count)
    bounds = [index * least + min(index, larger) for index in range(count + 1)]
    return [
        ({name: values[start:stop] for name, values in fields.items()}, first_row + start)
        for start, stop in pairwise(bounds)
    ]


def _totals(graph: Graph, walks: Iterable[Forward]) -> dict[str, Total]:
    """Each loss over all walks; what counts for nothing has the mean 0."""
    sums = dict.fromkeys(graph.loss_layers, (0.0, 0.0))
    for forward in walks:
        for path, (values, weights) in sums.items():
            value, weight = (x.data for x in forward.of(graph.by_path[path]))
            sums[path] = values + float(np.sum(value * weight)), weights + float(np.sum(weight))
    return {path: Total(values / (weights or 1.0), weights or 1.0) for path, (values, weights) in sums.items()}


def _target(
    graph: Graph, forward: Forward, totals: Mapping[str, Total], losses: Iterable[str], weights: Weights
) -> Tensor:
    """A number whose gradient is this walk's share of that of the sum of some losses.

    The objective is the sum over losses of c * S / W, S being the sum of value * weight over the whole batch, W the sum
    of weights and c what the loss counts for. Its derivative is that of c * (S - mean * W) / total, mean and total
    being settled.
    """
    target = Tensor(np.zeros(()))
    for path in losses:
        value, weight = forward.of(graph.by_path[path])
        mean, total = totals[path]
        term = (OPS.sum(value * weight) - OPS.sum(weight) * mean) * (weights[path] / total)
        target = term if target.tape is None else target + term
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
