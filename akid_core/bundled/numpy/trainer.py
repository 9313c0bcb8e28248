"""The train program in NumPy: forward, backward, clip, decay, update; one step after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from akid_core.backends.contract import Arrays, MetricStates, SpanResult, Trainer
from akid_core.bundled.numpy.network import OPS, Forward, NumpyNetwork
from akid_core.bundled.numpy.tape import Tape, Tensor
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, DataError, UnknownNameError, suggest
from akid_core.graph.resolved import Graph
from akid_core.optimizers.base import Optimizer


class Backward(NamedTuple):
    """A forward and a backward pass: the objective, its gradient by parameter path, and the walk it came from."""

    objective: float
    gradients: Arrays
    forward: Forward


class NumpyTrainer(Trainer):
    """Trains the parameters of a network in place."""

    def __init__(self, network: NumpyNetwork, optimizer: Optimizer) -> None:
        if not network.graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one, in Python by `brain.with_loss(...)`, "
                "in YAML under `losses`."
            )
        self._network = network
        self._optimizer = optimizer
        self._slots = {
            path: tuple(np.zeros_like(network.native(path)) for _ in optimizer.slots) for path in network.graph.trained
        }

    @np.errstate(all="ignore")
    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        objectives, measures = [], []
        for index, learning_rate in enumerate(learning_rates.tolist()):
            step = span.first_step + index
            backward = self._differentiate(span.batch(index), step, span.first_row)
            self._update(backward.gradients, learning_rate, step)
            for path, value in backward.forward.updates.items():
                self._network.native(path)[...] = value
            objectives.append(backward.objective)
            measures.append(self._network.measures(backward.forward))
        return SpanResult(np.array(objectives), _merged(self._network.graph, measures))

    @np.errstate(all="ignore")
    def gradients(self, batch: Batch, step: int) -> Arrays:
        return self._differentiate(batch, step, first_row=0).gradients

    def _differentiate(self, batch: Batch, step: int, first_row: int) -> Backward:
        network, tape = self._network, Tape()
        watched = {path: tape.watch(network.native(path)) for path in network.graph.trained}
        fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
        forward = network.forward(
            network.measured_calls, fields, watched, training=True, step=step, first_row=first_row
        )
        objective = _objective(network.graph, forward)
        gradients = tape.gradients(objective, list(watched.values()))
        return Backward(float(objective.data), dict(zip(watched, gradients, strict=True)), forward)

    def _update(self, gradients: Arrays, learning_rate: float, step: int) -> None:
        """Clip, then for each parameter decay, then the optimizer's formula."""
        optimizer = self._optimizer
        scale = _clip_scale(gradients, optimizer.clip_norm)
        coefficients = optimizer.coefficients(learning_rate, step + 1)
        for path, gradient in gradients.items():
            value, slots = self._network.native(path), self._slots[path]
            if optimizer.decays(path):
                value *= 1.0 - learning_rate * optimizer.weight_decay
            old = (Tensor(value), Tensor(gradient * scale), tuple(map(Tensor, slots)))
            new_value, new_slots = optimizer.update(OPS, *old, coefficients)
            value[...] = new_value.data
            for slot, new in zip(slots, new_slots, strict=True):
                slot[...] = new.data

    def read_slots(self) -> Arrays:
        return {name: slot.copy() for name, slot in self._named_slots().items()}

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        slots = self._named_slots()
        for name, value in values.items():
            if name not in slots:
                raise UnknownNameError(
                    f"{self._optimizer.component()} keeps nothing called {name!r}.{suggest(name, slots)} "
                    f"It keeps: {', '.join(slots) or 'nothing'}."
                )
            if np.shape(value) != slots[name].shape:
                raise DataError(f"The slot {name!r} has shape {slots[name].shape}, and was given {np.shape(value)}.")
        for name, slot in slots.items():
            slot[...] = values.get(name, 0)

    def _named_slots(self) -> Arrays:
        names = self._optimizer.slots
        return {
            f"{name}:{path}": slot
            for path, slots in self._slots.items()
            for name, slot in zip(names, slots, strict=True)
        }


def _objective(graph: Graph, forward: Forward) -> Tensor:
    """The sum over losses of weight times weighted mean; a batch that counts for nothing gives 0."""
    terms = []
    for path, loss in graph.loss_layers.items():
        value, weight = forward.values[path]
        count = OPS.sum(weight)
        terms.append(OPS.sum(value * weight) / OPS.where(OPS.equal(count, 0.0), 1.0, count) * loss.weight)
    objective = terms[0]
    for term in terms[1:]:
        objective = objective + term
    return objective


def _clip_scale(gradients: Arrays, limit: float | None) -> float:
    """What the whole gradient is multiplied by so that its Euclidean norm is at most `limit`."""
    if limit is None:
        return 1.0
    norm = float(np.sqrt(sum(np.sum(np.square(gradient, dtype=np.float64)) for gradient in gradients.values())))
    return limit / norm if norm > limit else 1.0


def _merged(graph: Graph, measures: list[MetricStates]) -> MetricStates:
    """The states of several steps joined, sums in float64."""
    merged: MetricStates = {}
    for path, first in measures[0].items():
        states: list[Mapping[str, Any]] = [measure[path] for measure in measures]
        metric = graph.metric_layers.get(path)
        if metric is not None:
            merged[path] = metric.merge(states)
        else:
            merged[path] = {part: sum(state[part] for state in states) for part in first}
    return merged
