"""One layer alone in a network: its values, gradients and state on any backend, and how far two backends are apart.

NumPy in float64 is the referee. Inputs and parameters are drawn in float32, so that every type holds the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from akid_core.backends.contract import Arrays, Backend, Network
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch, Span
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.optimizers import SGD
from akid_core.plugins.manager import default_manager
from akid_core.specs.layer import Layer, Loss, Metric
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.probes import GradientProbe, Projection

FLOAT64 = Precision.of("float64")
FLOAT32 = Precision.of("float32")


def referee() -> Backend:
    """The NumPy backend."""
    return default_manager().registry.get("backend", "numpy")()  # type: ignore[no-any-return]


def difference(value: np.ndarray, reference: np.ndarray) -> float:
    """norm(value - reference) / norm(reference), the denominator at least 1e-3 * sqrt(size)."""
    wanted = np.asarray(reference, np.float64)
    norm = max(float(np.linalg.norm(wanted)), 1e-3 * float(np.sqrt(max(wanted.size, 1))))
    return float(np.linalg.norm(np.asarray(value, np.float64) - wanted)) / norm


def compare_forward(
    backend: Backend, layer: Layer, in_specs: Sequence[TensorSpec], *, precision: Precision = FLOAT32, **trial: Any
) -> dict[str, float]:
    """How far the outputs are from the referee's, by output and mode. `trial`: settings of `Trial`."""
    case = Trial(layer=layer, in_specs=tuple(in_specs), **trial)
    errors = {}
    for mode in ("evaluating", "training"):
        wanted = case.forward(referee(), FLOAT64, training=mode == "training")
        got = case.forward(backend, precision, training=mode == "training")
        for number, pair in enumerate(zip(got, wanted, strict=True)):
            errors[f"output {number}, {mode}"] = difference(*pair)
    return errors


def compare_gradients(
    backend: Backend, layer: Layer, in_specs: Sequence[TensorSpec], *, precision: Precision = FLOAT32, **trial: Any
) -> dict[str, float]:
    """How far the gradients by inputs and parameters are from the referee's, training."""
    case = Trial(layer=layer, in_specs=tuple(in_specs), **trial)
    wanted, got = case.gradients(referee(), FLOAT64), case.gradients(backend, precision)
    return {name: difference(got[name], wanted[name]) for name in wanted}


def compare_updates(
    backend: Backend, layer: Layer, in_specs: Sequence[TensorSpec], *, precision: Precision = FLOAT32, **trial: Any
) -> dict[str, float]:
    """How far state parameters (running statistics) are from the referee's after a training step."""
    case = Trial(layer=layer, in_specs=tuple(in_specs), **trial)
    wanted, got = case.updates(referee(), FLOAT64), case.updates(backend, precision)
    return {name: difference(got[name], wanted[name]) for name in wanted}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A layer with inputs, parameters and row weights drawn from `seed`, and what comes out of it on a backend.

    `in_specs`: of the inputs, the batch first. `inputs`: the inputs where random ones will not do; as drawn, floats are
    standard normal, integers 0 or 1, and symbolic sizes beside the batch 4.
    """

    layer: Layer
    in_specs: tuple[TensorSpec, ...]
    batch: int = 5
    seed: int = 0
    inputs: tuple[np.ndarray, ...] | None = None

    @cached_property
    def fields(self) -> Arrays:
        """The inputs by name, the cotangents of the outputs, and the weights of the rows."""
        random = np.random.default_rng((self.seed, 0))
        given = self.inputs or tuple(_draw(random, spec, self.batch) for spec in self.in_specs)
        fields = {f"input{number}": np.asarray(value) for number, value in enumerate(given)}
        for number, spec in enumerate(self._call(FLOAT32).out_specs):
            if _weighed(self.layer, spec):
                fields[f"cotangent{number}"] = _draw(random, spec, self.batch)
        weights = np.random.default_rng((self.seed, 1)).uniform(0.5, 1.5, self.batch)
        return fields | {Batch.WEIGHTS: weights.astype(np.float32)}

    @cached_property
    def params(self) -> Arrays:
        """The layer's parameters by name: weights around 0, state above 0."""
        random = np.random.default_rng((self.seed, 2))
        values = {}
        for spec in self._call(FLOAT32).params:
            drawn = random.normal(size=spec.shape) if spec.trained else random.uniform(0.5, 1.5, spec.shape)
            values[spec.name] = drawn.astype(np.float32)
        return values

    def outputs_in(self, precision: Precision) -> tuple[TensorSpec, ...]:
        """The specs of the outputs."""
        return self._call(precision).out_specs

    @property
    def held(self) -> Arrays:
        """Inputs and parameters by name: what the parameters of `probed` are filled with."""
        return {**self.fields, **self.params}

    def of(self, batch: int) -> Trial:
        """The same trial with another number of rows; given inputs must have as many."""
        inputs = None if self.inputs is None else tuple(value[:batch] for value in self.inputs)
        return replace(self, batch=batch, inputs=inputs)

    def scattered(self) -> Trial:
        """The same trial, its inputs read-only and in no usual order in memory."""
        inputs = tuple(_scattered(self.fields[f"input{number}"]) for number in range(len(self.in_specs)))
        return replace(self, inputs=inputs)

    def forward(self, backend: Backend, precision: Precision, *, training: bool = False, step: int = 0) -> list[Any]:
        """The outputs in canonical layout."""
        network = self._network(backend, self.plain(precision))
        targets = [Value("layer", number) for number in range(len(self._call(precision).out_specs))]
        return network.values(self.fields, targets, training=training, step=step)

    def gradients(self, backend: Backend, precision: Precision) -> Arrays:
        """Gradients of the objective at step 0 by `input0`, … (floating ones) and by parameter name, training."""
        graph = self.probed(precision)
        network = self._network(backend, graph)
        trainer = backend.trainer(network, SGD(learning_rate=0.0), backend.plan(Execution(), graph))
        gradients = trainer.gradients(batch_of(self.fields), 0)
        return {_short(path): gradient for path, gradient in gradients.items()}

    def updates(self, backend: Backend, precision: Precision) -> Arrays:
        """The state parameters by name after one training step."""
        graph = self.probed(precision)
        network = self._network(backend, graph)
        trainer = backend.trainer(network, SGD(learning_rate=0.0), backend.plan(Execution(), graph))
        trainer.run(span_of(self.fields), np.zeros(1))
        return {_short(path): network[path] for path, spec in graph.params.items() if not spec.trained}

    def objective(self, moved: Mapping[str, np.ndarray], backend: Backend | None = None) -> float:
        """What `gradients` differentiates, in float64, with some inputs and parameters replaced.

        `backend`: what computes it, by default the referee.
        """
        graph = self.probed(FLOAT64)
        network = self._network(backend or referee(), graph)
        paths = {_short(path): path for path in graph.params}
        network.fill({paths[name]: value for name, value in moved.items()})
        total = 0.0
        for call in graph.losses:
            targets = [Value(call.path, 0), Value(call.path, 1)]
            value, weight = network.values(self.fields, targets, training=True)
            total += graph.loss_layers[call.path].weight * float(np.sum(value * weight) / np.sum(weight))
        return total

    def _call(self, precision: Precision) -> Call:
        specs = tuple(spec.with_dtype(precision.compute) if spec.floating else spec for spec in self.in_specs)
        inputs = tuple(Value(f"input{number}") for number in range(len(specs)))
        return _call("layer", self.layer, inputs, specs, precision)

    def plain(self, precision: Precision) -> Graph:
        """The layer between inputs and outputs."""
        call = self._call(precision)
        place = "losses" if isinstance(self.layer, Loss) else "metrics" if isinstance(self.layer, Metric) else "calls"
        fields = {value.source: spec for value, spec in zip(call.inputs, call.in_specs, strict=True)}
        calls: dict[str, Any] = {"calls": (), place: (call,)}
        return Graph(inputs=fields, fields={}, outputs={}, precision=precision, **calls)

    def probed(self, precision: Precision) -> Graph:
        """The layer between probes, which hold its floating inputs as parameters, and losses that weigh its outputs."""
        call = self._call(precision)
        probes, fields = [], {}
        for value, spec in zip(call.inputs, call.in_specs, strict=True):
            if spec.floating:
                probe = GradientProbe(spec=spec, shape=self.fields[value.source].shape)
                probes.append(_call(value.source, probe, (), (), precision))
            else:
                fields[value.source] = spec
        if isinstance(self.layer, Loss):
            return Graph(inputs={}, fields=fields, calls=tuple(probes), outputs={}, losses=(call,), precision=precision)
        losses = []
        for number, spec in enumerate(call.out_specs):
            if _weighed(self.layer, spec):
                inputs = (Value("layer", number), Value(f"cotangent{number}"))
                losses.append(_call(f"loss{number}", Projection(), inputs, (spec, spec), precision))
                fields[f"cotangent{number}"] = spec
        calls = (*probes, call)
        return Graph(inputs={}, fields=fields, calls=calls, outputs={}, losses=tuple(losses), precision=precision)

    def _network(self, backend: Backend, graph: Graph) -> Network:
        return filled(backend, graph, {path: self.held[_short(path)] for path in graph.params}, self.seed)


def filled(backend: Backend, graph: Graph, values: Mapping[str, np.ndarray], seed: int = 0) -> Network:
    """A network of the graph, placed, with these parameters."""
    network = backend.network(graph, backend.plan(Execution(), graph), seed)
    network.place("cpu")
    network.fill(values)
    return network


def batch_of(fields: Mapping[str, np.ndarray]) -> Batch:
    """The fields, each (n, ...) and the row weights among them, as one batch."""
    weights = fields[Batch.WEIGHTS]
    index = np.arange(len(weights))
    return Batch({name: value for name, value in fields.items() if name != Batch.WEIGHTS}, weights, index, index)


def span_of(fields: Mapping[str, np.ndarray], steps: int = 1, *, first_step: int = 0, first_row: int = 0) -> Span:
    """Steps that all take the same batch of `fields`, each (n, ...) and the row weights among them."""
    batch = batch_of(fields)
    stacked = {name: np.stack([value] * steps) for name, value in batch.fields.items()}
    weights, index = np.stack([batch.weights] * steps), np.stack([batch.positions] * steps)
    return Span(0, first_step, stacked, weights, index, index, first_row)


def _call(
    path: str, layer: Layer, inputs: tuple[Value, ...], in_specs: tuple[TensorSpec, ...], precision: Precision
) -> Call:
    """A call with every spec settled."""
    outputs = layer.outputs(*in_specs)
    params = tuple(
        replace(spec, dtype=precision.params) if spec.dtype == "float" else spec for spec in layer.params(*in_specs)
    )
    promised = outputs if isinstance(outputs, tuple) else (outputs,)
    out_specs = tuple(spec.settled(precision.compute) for spec in promised)
    return Call(path, layer, inputs, in_specs, out_specs, params, owner=path)


def _weighed(layer: Layer, output: TensorSpec) -> bool:
    """Whether a cotangent weighs an output: it holds numbers of each row, and is no metric's."""
    return output.floating and output.shape[:1] == ("N",) and not isinstance(layer, Metric)


def _draw(random: np.random.Generator, spec: TensorSpec, batch: int) -> np.ndarray:
    """Random values of a spec."""
    shape = tuple(size if isinstance(size, int) else batch if size == "N" else 4 for size in spec.shape)
    if spec.floating:
        return random.normal(size=shape).astype(np.float32)
    return random.integers(0, 2, shape).astype(spec.dtype)


def _scattered(value: np.ndarray) -> np.ndarray:
    """The same numbers at every second place of a reversed, transposed array."""
    room = np.zeros(tuple(2 * size for size in reversed(value.shape)), value.dtype).transpose()
    view: np.ndarray = room[tuple(slice(None, None, -2) for _ in value.shape)]
    view[...] = value
    view.flags.writeable = False
    return view


def _short(path: str) -> str:
    """`layer/weight` -> `weight`, `input0/value` -> `input0`."""
    owner, name = path.split("/")
    return name if owner == "layer" else owner
