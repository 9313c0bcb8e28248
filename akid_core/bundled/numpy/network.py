"""A live network in NumPy: its parameters, and a walk over the calls of its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from akid_core.backends.contract import Arrays, MetricStates, Network
from akid_core.backends.promise import kept
from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tensor
from akid_core.data.batch import Batch
from akid_core.errors import ConfigurationError, DataError
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.random import derive_key
from akid_core.specs.context import Context
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.tensor import TensorSpec

OPS = NumpyOps()
WEIGHTS = TensorSpec(("N",), "float32", "N")


@dataclass(frozen=True, slots=True)
class Forward:
    """What one walk gave: every value, and new values of state parameters."""

    values: Mapping[Value, Tensor]
    updates: Arrays

    def __getitem__(self, value: Value) -> Tensor:
        return self.values[value]

    def of(self, call: Call) -> tuple[Tensor, ...]:
        """The outputs of a call."""
        return tuple(self.values[Value(call.path, output)] for output in range(len(call.out_specs)))


class NumpyNetwork(Network):
    """One array for each parameter, in its canonical layout."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self.graph = graph
        self._frozen = frozenset(filter(graph.freezes, graph.params))
        self._keys = {call.path: derive_key(seed, "mask", call.path) for call in graph.everything}
        self._arrays: Arrays = {}

    def place(self, device: str) -> None:
        if device != "cpu":
            raise ConfigurationError(f"The numpy backend computes on 'cpu' alone, and was asked for {device!r}.")
        for path, spec in self.graph.params.items():
            self._arrays[path] = np.zeros(spec.shape, spec.dtype)

    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        for path, value in values.items():
            array = self.native(path)
            if np.shape(value) != array.shape:
                raise DataError(f"The parameter {path!r} has shape {array.shape}, and was given {np.shape(value)}.")
            array[...] = value

    def read(self, paths: Iterable[str] | None = None) -> Arrays:
        return {path: self.native(path).copy() for path in (self._arrays if paths is None else paths)}

    def native(self, path: str) -> np.ndarray:
        return self._arrays[self._known(path)]

    def values(
        self,
        fields: Mapping[str, np.ndarray],
        targets: Sequence[Value],
        *,
        training: bool = False,
        step: int = 0,
        given: Mapping[Value, np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        known = {value: _tensor(str(value), array, self.graph.spec(value)) for value, array in (given or {}).items()}
        calls = self.graph.needed(targets, known)
        forward = self.forward(calls, fields, known=known, training=training, step=step)
        return [forward[target].data for target in targets]

    def measure(self, batch: Batch) -> MetricStates:
        fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
        return self.measures(self.forward(self.graph.measured, fields))

    def measures(self, forward: Forward) -> MetricStates:
        """The states of all losses and metrics."""
        states: MetricStates = {}
        for call in self.graph.losses:
            value, weight = (x.data.astype(np.float64) for x in forward.of(call))
            states[call.path] = {"sum": np.sum(value * weight), "count": np.sum(weight)}
        for path, metric in self.graph.metric_layers.items():
            outputs = forward.of(self.graph.by_path[path])
            states[path] = {part: x.data for part, x in zip(metric.parts, outputs, strict=True)}
        return states

    @np.errstate(all="ignore")  # the practice loop looks for what is not finite, and names it
    def forward(
        self,
        calls: Iterable[Call],
        fields: Mapping[str, np.ndarray],
        params: Mapping[str, Tensor] | None = None,
        *,
        known: Mapping[Value, Tensor] | None = None,
        bent: Callable[[Value, Tensor], Tensor] | None = None,
        training: bool = False,
        step: int = 0,
        first_row: int = 0,
    ) -> Forward:
        """Walk the calls in order; nothing is stored. A later call that shares state sees what an earlier one made.

        `params`: tensors that stand for parameters, such as those on a tape. `known`: values that no call gives.
        `bent`: what every output passes through, by which a gradient by it is taken.
        """
        specs = {**self.graph.inputs, **self.graph.fields, Batch.WEIGHTS: WEIGHTS}
        values = {Value(name): _tensor(name, array, specs[name]) for name, array in fields.items() if name in specs}
        values |= known or {}
        rows = np.arange(first_row, first_row + len(next(iter(values.values())).data), dtype=np.int32)
        params = {path: Tensor(array) for path, array in self._arrays.items()} | dict(params or {})
        updates: Arrays = {}
        for call in calls:
            context = Context(
                call=call,
                ops=OPS,
                params={spec.name: params[call.param_path(spec.name)] for spec in call.params},
                training=training and not call.evaluates,
                step=Tensor(np.array([step], dtype=np.int32)),
                rows=Tensor(rows),
                key=self._keys[call.path],
                reductions=self.graph.precision.reductions,
            )
            for output, tensor in enumerate(self._outputs(call, context, values)):
                value = Value(call.path, output)
                if known is None or value not in known:
                    values[value] = bent(value, tensor) if bent else tensor
            for name, new in context.updates.items():
                path = call.param_path(name)
                if path not in self._frozen and not call.evaluates:
                    updates[path], params[path] = new.data, Tensor(new.data)
        return Forward(values, updates)

    def _outputs(self, call: Call, context: Context, values: Mapping[Value, Tensor]) -> tuple[Tensor, ...]:
        """The outputs of one call; those who watch see it."""
        seen = [watcher for watcher in self.watchers if call.path in watcher.paths]
        for watcher in seen:
            if watcher.before is not None:
                watcher.before(call.path, tuple(values[value].data for value in call.inputs))
        outputs = _outputs(call, context, values)
        for watcher in seen:
            if watcher.after is not None:
                watcher.after(call.path, tuple(output.data for output in outputs))
        return outputs


def _tensor(name: str, value: np.ndarray, spec: TensorSpec) -> Tensor:
    """A field in the type that the graph settled. Raises `DataError` where its shape is not the promised one."""
    sizes = zip(np.shape(value), spec.shape, strict=False)
    if np.ndim(value) != spec.rank or any(isinstance(wanted, int) and size != wanted for size, wanted in sizes):
        raise DataError(f"The field {name!r} should be {spec}, and the batch holds one of shape {np.shape(value)}.")
    return Tensor(np.asarray(value, spec.dtype))


def _outputs(call: Call, context: Context, values: Mapping[Value, Tensor]) -> tuple[Tensor, ...]:
    """The outputs of one call. The batch's own weights enter losses and metrics here; masked rows get value 0."""
    layer = call.layer
    weights = Value(Batch.WEIGHTS)
    wanted = [*call.inputs, weights] if isinstance(layer, Loss | Metric) else call.inputs
    missing = ", ".join(str(value) for value in wanted if value not in values)
    if missing:
        raise DataError(f"The block {call.path!r} needs {missing}, which the batch does not hold.")
    inputs = [values[value] for value in call.inputs]
    try:
        if isinstance(layer, Metric):
            inputs.append(values[weights])
        outputs = kept(call, inputs, layer.forward(context, *inputs), Tensor)
        if isinstance(layer, Loss):
            value, weight = outputs
            weight = weight * OPS.astype(values[weights], weight.dtype)
            # Zero times infinity is no number: what does not count is taken out before anything is multiplied.
            return OPS.where(OPS.equal(weight, 0.0), 0.0, value), weight
    except Exception as error:
        error.add_note(f"in block {call.path!r} with inputs of shapes {', '.join(str(x.shape) for x in inputs)}")
        raise
    return outputs
