"""A backend that computes forward: a plan, a network, and no train program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import array_api_strict as xp
import numpy as np

from akid_core.backends.contract import Arrays, Backend, MetricStates, Network, Trainer
from akid_core.backends.plan import Execution, Plan
from akid_core.backends.promise import kept
from akid_core.data.batch import Batch
from akid_core.errors import ConfigurationError, DataError
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.optimizers.base import Optimizer
from akid_core.random import derive_key
from akid_core.specs.context import Context
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.tensor import TensorSpec
from akid_strict.ops import StrictOps, Tensor

OPS = StrictOps()


Values = Mapping[Value, Tensor]
"""What is known so far."""


class StrictNetwork(Network):
    """One array for each parameter, in its canonical layout."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self.graph, self._seed = graph, seed
        self._params: dict[str, Tensor] = {}

    def place(self, device: str) -> None:
        for path, spec in self.graph.params.items():
            dtype = self.graph.precision.params if spec.dtype == "float" else spec.dtype
            self._params[path] = OPS.asarray(np.zeros(spec.shape), dtype)

    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        for path, value in values.items():
            tensor = self.native(path)
            if np.shape(value) != tensor.shape:
                raise DataError(f"The parameter {path!r} has shape {tensor.shape}, and was given {np.shape(value)}.")
            tensor.array = OPS.asarray(value, tensor.dtype).array

    def read(self, paths: Iterable[str] | None = None) -> Arrays:
        return {path: np.array(self.native(path).array) for path in (self._params if paths is None else paths)}

    def native(self, path: str) -> Tensor:
        return self._params[self._known(path)]

    def values(
        self,
        fields: Mapping[str, np.ndarray],
        targets: Sequence[Value],
        *,
        training: bool = False,
        step: int = 0,
        given: Mapping[Value, np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        specs = {**self.graph.inputs, **self.graph.fields, Batch.WEIGHTS: TensorSpec(("N",))}
        values = {Value(name): OPS.asarray(fields[name], specs[name].dtype) for name in specs if name in fields}
        values |= {value: _given(array, value, self.graph.spec(value)) for value, array in (given or {}).items()}
        rows = OPS.asarray(np.arange(next(iter(values.values())).shape[0]), "int32")
        for call in self.graph.needed(targets, given or ()):
            for output, tensor in enumerate(self._watched(call, values, training, step, rows)):
                values[Value(call.path, output)] = tensor
        return [np.array(values[target].array) for target in targets]

    def _watched(self, call: Call, values: Values, training: bool, step: int, rows: Any) -> tuple[Any, ...]:
        """One call, seen by those who watch it."""
        seen = [watcher for watcher in self.watchers if call.path in watcher.paths]
        for before in (watcher.before for watcher in seen if watcher.before):
            before(call.path, tuple(np.array(values[value].array) for value in call.inputs))
        outputs = self._outputs(call, values, training and not call.evaluates, step, rows)
        for after in (watcher.after for watcher in seen if watcher.after):
            after(call.path, tuple(np.array(output.array) for output in outputs))
        return outputs

    def _outputs(self, call: Call, values: Values, training: bool, step: int, rows: Any) -> tuple[Any, ...]:
        """One call: its layer's portable definition, held to what the layer promises."""
        layer = call.layer
        wanted = [*call.inputs, Value(Batch.WEIGHTS)] if isinstance(layer, Loss | Metric) else [*call.inputs]
        missing = ", ".join(str(value) for value in wanted if value not in values)
        if missing:
            raise DataError(f"The block {call.path!r} needs {missing}, which the batch does not hold.")
        inputs = [values[value] for value in wanted]
        weights = inputs.pop() if isinstance(layer, Loss) else None
        context = Context(
            call=call,
            ops=OPS,
            params={spec.name: self.native(call.param_path(spec.name)) for spec in call.params},
            training=training,
            step=OPS.asarray([step], "int32"),
            rows=rows,
            key=derive_key(self._seed, "mask", call.path),
            reductions=self.graph.precision.reductions,
        )
        outputs = kept(call, inputs, layer.forward(context, *inputs), Tensor)
        if weights is None:
            return outputs
        value, weight = outputs
        weight = weight * OPS.astype(weights, weight.dtype)
        return OPS.where(OPS.equal(weight, 0.0), 0.0, value), weight  # a row that does not count has the value 0

    def measure(self, batch: Batch) -> MetricStates:
        fields = {**batch.fields, Batch.WEIGHTS: batch.weights}
        states: MetricStates = {}
        for path in self.graph.loss_layers:
            value, weight = self.values(fields, [Value(path, 0), Value(path, 1)])
            states[path] = {"sum": np.sum(value * weight, dtype=np.float64), "count": np.sum(weight, dtype=np.float64)}
        for path, metric in self.graph.metric_layers.items():
            parts = self.values(fields, [Value(path, number) for number in range(len(metric.parts))])
            states[path] = dict(zip(metric.parts, parts, strict=True))
        return states


def _given(array: np.ndarray, value: Value, spec: TensorSpec) -> Tensor:
    """A value that is taken as it is. Raises `DataError` where it is not as the graph says."""
    if np.shape(array)[1:] != spec.row:
        raise DataError(f"{str(value)!r} should be {spec}, and was given as {np.shape(array)}.")
    return OPS.asarray(array, spec.dtype)


class StrictBackend(Backend):
    """Runs every layer by its portable definition in the array API standard."""

    name = "strict"
    ops = OPS

    def plan(self, execution: Execution, graph: Graph) -> Plan:
        types = {graph.precision.params, graph.precision.compute, graph.precision.reductions}
        if execution.device != "cpu" or not types <= {"float32", "float64"}:
            raise ConfigurationError(
                f"The strict backend computes in float32 or float64 on 'cpu', and was asked for {', '.join(types)} on "
                f"{execution.device!r}."
            )
        return Plan(backend=self.name, bundle=execution.bundle or 1, versions=self.versions())

    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        return StrictNetwork(graph, seed)

    def trainer(self, network: Network, optimizer: Optimizer, plan: Plan) -> Trainer:
        raise ConfigurationError("The strict backend computes forward and does not train: practise on another one.")

    def versions(self) -> dict[str, str]:
        return {"array-api-strict": xp.__version__, "numpy": np.__version__}
