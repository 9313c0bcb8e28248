"""Many trials as one network: what it costs a backend to build, trace and call is paid once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from akid_core.backends.contract import Arrays, Backend, Network, Trainer
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.optimizers import SGD
from akid_core.specs.precision import Precision
from akid_core.testing.referee import FLOAT32, FLOAT64, Trial, batch_of, difference, filled, referee, span_of

Errors = dict[str, float]
"""By what was compared (`relu-0 output 0`), the difference as the ratio of norms."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Trials by name, all of one number of rows; the path of a trial's layer is `<name>/layer`."""

    trials: Mapping[str, Trial]
    seed: int = 0

    @property
    def fields(self) -> Arrays:
        """The fields of all trials; the row weights are those of the first."""
        fields = {f"{name}/{key}": value for name, trial in self.trials.items() for key, value in trial.fields.items()}
        shared = next(iter(self.trials.values())).fields[Batch.WEIGHTS]
        return {path: value for path, value in fields.items() if not path.endswith(f"/{Batch.WEIGHTS}")} | {
            Batch.WEIGHTS: shared
        }

    def plain(self, precision: Precision) -> Graph:
        """Each layer between its inputs and outputs."""
        return _joined({name: trial.plain(precision) for name, trial in self.trials.items()}, precision)

    def probed(self, precision: Precision) -> Graph:
        """Each layer between probes and losses, see `Trial.probed`."""
        return _joined({name: trial.probed(precision) for name, trial in self.trials.items()}, precision)

    def of(self, batch: int) -> Group:
        """The same trials with another number of rows; they have the same `plain` graph."""
        return replace(self, trials={name: trial.of(batch) for name, trial in self.trials.items()})

    def network(self, backend: Backend, graph: Graph) -> Network:
        """The graph, live, with every trial's parameters."""
        held = {f"{name}/{key}": value for name, trial in self.trials.items() for key, value in trial.held.items()}
        return filled(backend, graph, {path: held[_held(path)] for path in graph.params}, self.seed)

    def values(self, network: Network, *, training: bool = False, step: int = 0) -> Arrays:
        """The outputs of a network of the `plain` graph by `<name> output <number>`, canonical layout."""
        calls = network.graph.everything
        targets = [Value(call.path, number) for call in calls for number in range(len(call.out_specs))]
        values = network.values(self.fields, targets, training=training, step=step)
        names = [f"{target.source.removesuffix('/layer')} output {target.output}" for target in targets]
        return dict(zip(names, values, strict=True))

    def forward(self, backend: Backend, precision: Precision, *, training: bool = False) -> Arrays:
        """The outputs, as `values`."""
        return self.values(self.network(backend, self.plain(precision)), training=training)

    def gradients(self, backend: Backend, precision: Precision) -> Arrays:
        """The gradients of each trial, at step 0 of training, by `<name> gradient <input or parameter>`."""
        graph = self.probed(precision)
        if not graph.losses:
            return {}
        gradients = self._trainer(backend, self.network(backend, graph)).gradients(batch_of(self.fields), 0)
        return {_held(path).replace("/", " gradient "): gradient for path, gradient in gradients.items()}

    def updates(self, backend: Backend, precision: Precision) -> Arrays:
        """The state parameters after one training step, by `<name> state <parameter>`."""
        graph = self.probed(precision)
        states = [path for path, spec in graph.params.items() if not spec.trained]
        if not states or not graph.losses:
            return {}
        network = self.network(backend, graph)
        self._trainer(backend, network).run(span_of(self.fields), np.zeros(1))
        return {_held(path).replace("/", " state "): network[path] for path in states}

    def forward_errors(self, backend: Backend, precision: Precision = FLOAT32, *, training: bool = False) -> Errors:
        """How far the outputs are from the referee's."""
        return errors(
            self.forward(backend, precision, training=training), self.forward(referee(), FLOAT64, training=training)
        )

    def gradient_errors(self, backend: Backend, precision: Precision = FLOAT32) -> Errors:
        """How far the gradients are from the referee's."""
        return errors(self.gradients(backend, precision), self.gradients(referee(), FLOAT64))

    def update_errors(self, backend: Backend, precision: Precision = FLOAT32) -> Errors:
        """How far new state is from the referee's."""
        return errors(self.updates(backend, precision), self.updates(referee(), FLOAT64))

    def _trainer(self, backend: Backend, network: Network) -> Trainer:
        return backend.trainer(network, SGD(learning_rate=0.0), backend.plan(Execution(), network.graph))


def errors(got: Arrays, wanted: Arrays) -> Errors:
    """The difference of each array; infinite where shapes differ, or what is not finite is not the same.

    Whole numbers and truth values are either the same or infinitely wrong.
    """
    assert got.keys() == wanted.keys(), f"gave {sorted(got)} instead of {sorted(wanted)}"
    return {name: _error(np.asarray(got[name]), np.asarray(wanted[name])) for name in wanted}


def _error(got: np.ndarray, wanted: np.ndarray) -> float:
    if got.shape != wanted.shape:
        return float("inf")
    finite = np.isfinite(wanted) if wanted.dtype.kind == "f" else np.zeros(wanted.shape, bool)
    if not np.array_equal(got[~finite], wanted[~finite], equal_nan=wanted.dtype.kind == "f"):
        return float("inf")
    error = difference(np.where(finite, got, 0.0), np.where(finite, wanted, 0.0))
    return error if np.isfinite(error) else float("inf")


def _joined(graphs: Mapping[str, Graph], precision: Precision) -> Graph:
    """One graph of several, every path under the name of its own."""
    inputs = {f"{name}/{path}": spec for name, graph in graphs.items() for path, spec in graph.inputs.items()}
    fields = {f"{name}/{path}": spec for name, graph in graphs.items() for path, spec in graph.fields.items()}
    calls, losses, metrics = (
        tuple(_under(name, call) for name, graph in graphs.items() for call in getattr(graph, place))
        for place in ("calls", "losses", "metrics")
    )
    return Graph(
        inputs=inputs, fields=fields, calls=calls, outputs={}, losses=losses, metrics=metrics, precision=precision
    )


def _under(name: str, call: Call) -> Call:
    inputs = tuple(replace(value, source=f"{name}/{value.source}") for value in call.inputs)
    return replace(call, path=f"{name}/{call.path}", inputs=inputs, owner=f"{name}/{call.owner}")


def _held(path: str) -> str:
    """What of a trial fills a parameter: `relu-0/input0/value` -> `relu-0/input0`, `x/layer/weight` -> `x/weight`."""
    name, owner, param = path.rsplit("/", 2)
    return f"{name}/{param if owner == 'layer' else owner}"
