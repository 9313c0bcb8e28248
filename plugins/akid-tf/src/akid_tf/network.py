"""A live network in TensorFlow: a `tf.Module` for each layer, variables under full paths, compiled evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from akid_core.backends.contract import Arrays, Built, MetricStates, Network
from akid_core.data.batch import Batch
from akid_core.errors import UnknownNameError, suggest
from akid_core.graph.resolved import Call, Graph, Value
from akid_tf.devices import device_name
from akid_tf.feed import Feed
from akid_tf.measures import Tensors, sums, wide
from akid_tf.module import Forward, GraphModule, Mode
from akid_tf.parameter import Parameter
from akid_tf.recompute import Values
from akid_tf.runtime import host, tf

Fields = Mapping[str, tf.Tensor]


class TensorflowNetwork(Network):
    """One `tf.Variable` for each parameter. `module` is the network as TensorFlow knows it.

    `recompute`: globs of the calls whose values are computed again for a gradient.
    """

    def __init__(self, graph: Graph, built: Mapping[str, Built], seed: int, recompute: tuple[str, ...] = ()) -> None:
        self.graph, self._recompute = graph, recompute
        self.module = GraphModule(graph, built, seed)
        self.measured = graph.needed([Value(call.path) for call in graph.losses + graph.metrics])
        self.feed = Feed.of(graph, self.measured)
        self._device = device_name("cpu")
        self._measure = self.program(self._states, self.feed.signature())
        self._programs: dict[Any, tuple[Feed, Callable[..., list[tf.Tensor]]]] = {}

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
        self, fields: Mapping[str, np.ndarray], targets: Sequence[Value], *, training: bool = False, step: int = 0
    ) -> list[np.ndarray]:
        key = (tuple(targets), training)
        if key not in self._programs:
            self._programs[key] = self._computing(*key)
        feed, compute = self._programs[key]
        found = [host(tensor) for tensor in compute(feed.tensors(fields), tf.constant(step))]
        if len(next(iter(fields.values()))):
            return found
        specs = [self.graph.spec(target) for target in targets]
        return [value[:0] if spec.shape[:1] == ("N",) else value for value, spec in zip(found, specs, strict=True)]

    def measure(self, batch: Batch) -> MetricStates:
        parts = self._measure(self.feed.tensors({**batch.fields, Batch.WEIGHTS: batch.weights}))
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
        differentiated: bool = False,
    ) -> Forward:
        """Walk the calls with tensors. `step`: int32, its number. `first_row`: int32, the number of row 0.

        `known`: values of calls that are not walked. `differentiated`: a gradient is taken, of losses alone.
        """
        size = tf.shape(next(iter(fields.values())))[0]
        recompute = self._recompute if differentiated else ()
        mode = Mode(training, tf.reshape(step, [1]), first_row + tf.range(size), recompute)
        return self.module.walk(calls, fields, mode, known)

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

    def program(self, run: Callable[..., Any], *signature: Any, xla: bool = False) -> Callable[..., Any]:
        """What runs compiled on the network's device, for tensors of this signature alone; with `xla` by XLA.

        It is traced at the first call, then called without looking again at what the arguments are. Loops are written
        in TensorFlow's own words, so no code is rewritten.
        """

        def placed(*arguments: Any) -> Any:
            with tf.device(self._device):
                return run(*arguments)

        @cache
        def compiled() -> Any:
            function = tf.function(placed, input_signature=signature, autograph=False, jit_compile=xla or None)
            return function.get_concrete_function()

        return lambda *arguments: compiled()(*arguments)

    def _states(self, fields: Fields) -> Tensors:
        forward = self.forward(self.measured, fields, training=False)
        return {path: sums(rows) for path, rows in forward.losses.items()} | self.metric_states(forward)

    def _computing(self, targets: tuple[Value, ...], training: bool) -> tuple[Feed, Callable[..., list[tf.Tensor]]]:
        """What computes the targets, and what it takes."""
        calls = self.graph.needed(targets)
        feed = Feed.of(self.graph, calls, targets)

        def compute(fields: Fields, step: tf.Tensor) -> list[tf.Tensor]:
            forward = self.forward(calls, fields, training=training, step=step)
            return [forward[target] for target in targets]

        return feed, self.program(compute, feed.signature(), tf.TensorSpec((), tf.int32))
