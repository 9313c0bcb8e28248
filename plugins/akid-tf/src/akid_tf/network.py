"""A live network in TensorFlow: a `tf.Module` for each layer, variables under full paths, compiled evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from akid_core.backends.contract import Arrays, Built, MetricStates, Network, Watcher
from akid_core.data.batch import Batch
from akid_core.errors import DataError, UnknownNameError, suggest
from akid_core.graph.resolved import Call, Graph, Value
from akid_tf.devices import device_name
from akid_tf.feed import Feed
from akid_tf.layout import Laid
from akid_tf.measures import Tensors, sums, wide
from akid_tf.module import GraphModule
from akid_tf.parameter import Parameter
from akid_tf.program import Program
from akid_tf.recompute import Values
from akid_tf.runtime import host, tf
from akid_tf.walk import Bent, Forward, Mode

Fields = Mapping[str, tf.Tensor]

Asked = tuple[tuple[Value, ...], bool, tuple[Value, ...]]
"""Targets, whether in training, and what is given."""


class TensorflowNetwork(Network):
    """One `tf.Variable` for each parameter. `module` is the network as TensorFlow knows it.

    `recompute`: globs of the calls whose values are computed again for a gradient. `feed`: what training takes.
    """

    def __init__(self, graph: Graph, built: Mapping[str, Built], seed: int, recompute: tuple[str, ...] = ()) -> None:
        self.graph, self._recompute = graph, recompute
        self.module = GraphModule(graph, built, seed)
        self.feed, self._measured = Feed.of(graph, graph.practised), Feed.of(graph, graph.measured)
        self._device = device_name("cpu")
        self._measure = self.program(self._states, self._measured.signature())
        self._programs: dict[Asked, tuple[Feed, Program]] = {}

    def place(self, device: str) -> None:
        self._device = device_name(device)
        with tf.device(self._device):
            self.module.place(self.graph.everything)

    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        for path, value in values.items():
            parameter = self.parameter(path)
            parameter.assign(parameter.variable, value, f"The parameter {path!r}")

    def read(self, paths: Iterable[str] | None = None) -> Arrays:
        chosen = map(self.parameter, self.module.parameters if paths is None else paths)
        return {parameter.path: parameter.canonical(parameter.variable) for parameter in chosen}

    def native(self, path: str) -> tf.Variable:
        return self.parameter(path).variable

    @property
    def trained(self) -> list[Parameter]:
        """The parameters that are trained, those of attached modules included, without those that are frozen."""
        parameters = self.module.parameters.values()
        return [each for each in parameters if each.trained and not self.graph.freezes(each.path)]

    def _known(self, path: str) -> str:
        return self.parameter(path).path  # beside the graph's there are those of attached modules

    def parameter(self, path: str) -> Parameter:
        """The parameter at `path`. Raises `UnknownNameError` with the paths that exist."""
        known = self.module.parameters
        if path not in known:
            raise UnknownNameError(
                f"The network has no parameter {path!r}.{suggest(path, known)} It has: {', '.join(known) or 'none'}."
            )
        return known[path]

    def values(
        self,
        fields: Mapping[str, np.ndarray],
        targets: Sequence[Value],
        *,
        training: bool = False,
        step: int = 0,
        given: Mapping[Value, np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        asked = tuple(targets), training, tuple(given or {})
        if asked not in self._programs:
            self._programs[asked] = self._computing(*asked)
        feed, compute = self._programs[asked]
        arrays = {**fields, **{str(value): self._fitting(value, array) for value, array in (given or {}).items()}}
        found = [host(tensor) for tensor in compute(feed.tensors(arrays), tf.constant(step))]
        if len(next(iter(arrays.values()))):
            return found
        specs = [self.graph.spec(target) for target in targets]
        return [value[:0] if spec.shape[:1] == ("N",) else value for value, spec in zip(found, specs, strict=True)]

    def measure(self, batch: Batch) -> MetricStates:
        parts = self._measure(self._measured.tensors({**batch.fields, Batch.WEIGHTS: batch.weights}))
        return {path: {name: part.numpy() for name, part in state.items()} for path, state in parts.items()}

    def forward(
        self,
        calls: Iterable[Call],
        fields: Fields,
        *,
        training: bool,
        step: tf.Tensor | int = 0,
        first_row: tf.Tensor | int = 0,
        known: Values | None = None,
        state: Mapping[str, tf.Tensor] | None = None,
        recompute: bool = False,
        bent: Bent | None = None,
    ) -> Forward:
        """Walk the calls with tensors. `step`: int32, its number. `first_row`: int32, the number of row 0.

        `known`, `state`: see `GraphModule.walk`. `recompute`: what is to be computed again for a gradient is; it is of
        losses alone. `bent`: what every output passes through. Where somebody watches, all is computed once.
        """
        size = tf.shape(next(iter(fields.values())))[0]
        again = self._recompute if recompute and not self.watchers else ()
        mode = Mode(training, tf.reshape(step, [1]), first_row + tf.range(size), again, bent)
        return self.module.walk(calls, fields, mode, known, state)

    def settle(self, forward: Forward) -> None:
        """State takes the new values that a walk gave it."""
        for path, value in forward.updates.items():
            self.native(path).assign(value)

    def metric_states(self, forward: Forward) -> Tensors:
        """The states of metrics after a walk; what is floating becomes float64."""
        found = {}
        for path, metric in self.graph.metric_layers.items():
            found[path] = {part: wide(forward[Value(path, number)]) for number, part in enumerate(metric.parts)}
        return found

    @property
    def state(self) -> dict[str, tf.Tensor]:
        """The values of state parameters, as they lie."""
        held = (each for each in self.module.parameters.values() if not each.trained)
        return {each.path: tf.convert_to_tensor(each.variable) for each in held}

    def program(self, run: Callable[..., Any], *signature: Any, xla: bool = False) -> Program:
        """What runs compiled on the network's device, for tensors of this signature alone; with `xla` by XLA."""

        def placed(*arguments: Any) -> Any:
            with tf.device(self._device):
                return run(*arguments)

        return Program(placed, signature, self.module.watching, xla=xla)

    def _watch(self, watchers: tuple[Watcher, ...]) -> None:
        super()._watch(watchers)
        self.module.watching.watchers = watchers

    def _states(self, fields: Fields) -> Tensors:
        forward = self.forward(self.graph.measured, fields, training=False)
        return {path: sums(rows) for path, rows in forward.losses.items()} | self.metric_states(forward)

    def _computing(self, targets: tuple[Value, ...], training: bool, given: tuple[Value, ...]) -> tuple[Feed, Program]:
        """What computes the targets, and what it takes: what is given under its text."""
        calls = self.graph.needed(targets, given)
        feed = Feed.of(self.graph, calls, targets, given)

        def compute(fields: Fields, step: tf.Tensor) -> list[tf.Tensor]:
            known = {(value.source, value.output): Laid(fields[str(value)]) for value in given}
            forward = self.forward(calls, fields, training=training, step=step, known=known)
            return [forward[target] for target in targets]

        return feed, self.program(compute, feed.signature(), tf.TensorSpec((), tf.int32))

    def _fitting(self, value: Value, array: np.ndarray) -> np.ndarray:
        """What is given for a value. Raises `DataError` where it has another shape."""
        spec, shape = self.graph.spec(value), np.shape(array)
        sizes = zip(shape, spec.shape, strict=False)
        if len(shape) != spec.rank or any(isinstance(wanted, int) and size != wanted for size, wanted in sizes):
            raise DataError(f"The value {value} should be {spec}, and what is given for it has the shape {shape}.")
        return array
