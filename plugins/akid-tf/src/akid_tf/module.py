"""GraphModule: a whole graph as one `tf.Module`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from akid_core.backends.contract import Built
from akid_core.backends.promise import kept
from akid_core.data.batch import Batch
from akid_core.graph.resolved import Call, Graph, Line, Value
from akid_core.random import derive_key
from akid_core.specs.context import Context
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import wider
from akid_tf.layout import Laid, Layout, permutation, shared
from akid_tf.live import ChannelsLastContext
from akid_tf.measures import Rows
from akid_tf.ops import TensorflowOps
from akid_tf.parameter import Parameter
from akid_tf.recompute import Values, recomputed, runs
from akid_tf.runtime import tf
from akid_tf.walk import Forward, Mode
from akid_tf.watching import Watching

OPS = TensorflowOps()

CHOICE = (
    "TensorFlow traces a layer once, before there are values: `if`, `while` and `for` cannot look at them. Choose "
    "between values with context.ops.where(condition, x, y), which every backend can."
)
"""What is said of a layer whose Python looks at values."""

Carried = dict[str, tf.Tensor]
"""What a graph that runs step by step takes of the step before, by the name of its line; each (batch, ...)."""


class GraphModule(tf.Module):
    """The modules of all calls, and the parameters under their full paths; modules may bring some of their own.

    Calls that share parameters read the same variables, each with its axes as its own module wants them.
    """

    def __init__(self, graph: Graph, built: Mapping[str, Built], seed: int) -> None:
        super().__init__(name="brain")
        self.graph = graph
        self.layers = {path: one.module for path, one in built.items()}
        self.parameters: dict[str, Parameter] = {}
        self.watching = Watching()
        self._places = {path: one.places for path, one in built.items()}
        self._keys = {path: derive_key(seed, "mask", path) for path in built}
        self._reductions = graph.precision.reductions
        self._types = {call.path: _types(call, graph.precision) for call in graph.everything}
        for call in graph.everything:
            for spec in call.params:
                path, place = call.param_path(spec.name), self._places[call.path][spec.name]
                self.parameters.setdefault(path, Parameter.promised(path, spec, place.axes))
            for own in self.layers[call.path].own:
                path = call.param_path(own.name)
                self.parameters.setdefault(path, Parameter.existing(path, own.variable, own.trained))

    def place(self, calls: Iterable[Call]) -> None:
        """Make the variables on the current device and put them into the modules of the calls."""
        for parameter in self.parameters.values():
            parameter.place()
        for call in calls:
            for spec in call.params:
                *inside, name = self._places[call.path][spec.name].path.split(".")
                holder: Any = self.layers[call.path]
                for attribute in inside:
                    holder = getattr(holder, attribute)
                setattr(holder, name, self.parameters[call.param_path(spec.name)].variable)

    def __call__(
        self, inputs: Mapping[str, tf.Tensor], mode: str = "evaluation", step: int = 0, carried: Carried | None = None
    ) -> tuple[dict[str, tf.Tensor], Carried]:
        """The outputs by name, and what the next step takes of this one, see `Graph.lines`; no state changes.

        `inputs`: by name, each (batch, ...), canonical; without those that are lines. `mode`: `"training"` or
        `"evaluation"`. `step`: its number, from which dropout draws. `carried`: what the step before returned; before
        the first one None, and what is not among it begins.
        """
        graph, given = self.graph, {**inputs, **(carried or {})}
        count = tf.shape(next(iter(given.values())))[0]
        given |= {name: self._begun(line, count) for name, line in graph.lines.items() if name not in given}
        calls = graph.needed((*graph.outputs.values(), *(line.newest for line in graph.lines.values())))
        when = Mode(mode == "training", tf.reshape(tf.cast(step, tf.int32), [1]), tf.range(count))
        forward = self.walk(calls, given, when)
        newest = {name: forward[line.newest] for name, line in graph.lines.items()}
        return {name: forward[value] for name, value in graph.outputs.items()}, newest

    def _begun(self, line: Line, rows: tf.Tensor) -> tf.Tensor:
        """What a line holds before the first step, for so many rows."""
        value: Any = line.initial
        if isinstance(value, str):
            parameter = self.parameters[value]
            value = _turned(tf.convert_to_tensor(parameter.variable), parameter.lying, parameter.axes)
        return tf.broadcast_to(tf.cast(value, line.spec.dtype), (rows, *line.spec.row))

    def uniform(self, path: str) -> bool:
        """Whether the loss at `path` weighs all rows alike, but for their sample weights."""
        return bool(self.layers[path].uniform)

    def reduced(self, path: str) -> str:
        """The type in which the loss at `path` gives the values of rows."""
        dtype: str = wider(wider(self.graph.by_path[path].out_specs[0].dtype), self._reductions)
        return dtype

    def walk(
        self,
        calls: Iterable[Call],
        fields: Mapping[str, tf.Tensor],
        mode: Mode,
        known: Values | None = None,
        state: Mapping[str, tf.Tensor] | None = None,
    ) -> Forward:
        """Walk the calls in order. A later call that shares a state parameter sees what an earlier one made of it.

        fields: tensors by name, each (batch, ...), canonical; `Batch.WEIGHTS` (batch,) where losses or metrics are met.
        `known`: values that no call gives, whether it is walked or not. `state`: what stands for parameters by path,
        as they lie.
        """
        forward = Forward({(name, 0): Laid(tensor) for name, tensor in fields.items()} | (known or {}))
        read = dict(state or {})
        for again, run in runs(calls, mode.recompute):
            if again:
                self._again(run, forward, read, mode)
            else:
                self._run(run, forward, read, mode)
        return forward

    def _run(self, calls: Sequence[Call], forward: Forward, read: dict[str, tf.Tensor], mode: Mode) -> None:
        for call in calls:
            try:
                self._call(call, forward, read, mode)
            except Exception as error:
                error.add_note(f"in block {call.path} with inputs {', '.join(map(str, call.in_specs))}")
                if isinstance(error, tf.errors.OperatorNotAllowedInGraphError):
                    error.add_note(CHOICE)
                raise

    def _again(self, calls: Sequence[Call], forward: Forward, read: dict[str, tf.Tensor], mode: Mode) -> None:
        """Run the calls such that they run again for the gradient."""

        def once(values: Values, params: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            inner = Forward(values)
            self._run(calls, inner, params, mode)
            return inner.updates

        paths = {call.param_path(spec.name): None for call in calls for spec in call.params}
        params = {path: self._tensor(path, read) for path in paths}
        updates = recomputed(self.graph, calls, forward.values, params, once)
        forward.updates.update(updates)
        read.update(updates)

    def _call(self, call: Call, forward: Forward, read: dict[str, tf.Tensor], mode: Mode) -> None:
        """Run one call; its outputs and updates go into `forward`, the parameters it reads into `read`."""
        module, watching = self.layers[call.path], self.watching
        if watching.watchers:
            watching.before(call.path, [forward[value] for value in call.inputs])
        laid = [forward.values[value.source, value.output] for value in call.inputs]
        layout = shared(laid) if module.layout is Layout.EITHER else module.layout
        inputs = [value.lay(layout) for value in laid]
        context = (ChannelsLastContext if layout is Layout.CHANNELS_LAST else Context)(
            call=call,
            ops=OPS,
            params={spec.name: self._read(call, spec.name, read) for spec in call.params},
            training=mode.training and not call.evaluates,
            step=mode.step,
            rows=mode.rows,
            key=self._keys[call.path],
            reductions=self._reductions,
        )
        if isinstance(call.layer, Metric):
            inputs.append(forward[Value(Batch.WEIGHTS)])
        channels_last = layout is Layout.CHANNELS_LAST
        outputs = kept(call, inputs, module(context, *inputs), (tf.Tensor, tf.Variable), channels_last=channels_last)
        if isinstance(call.layer, Loss):
            value, weight = outputs
            outputs = self._rows(call, value, weight, forward[Value(Batch.WEIGHTS)])
        if mode.bent is not None:
            outputs = tuple(mode.bent(Value(call.path, number), tensor) for number, tensor in enumerate(outputs))
        if isinstance(call.layer, Loss):
            rows = forward.losses[call.path] = Rows(*outputs)
            outputs = rows.counted(), rows.weight
        for number, tensor in enumerate(outputs):
            forward.values.setdefault((call.path, number), Laid(tensor, layout))
        if watching.watchers:
            watching.after(call.path, [forward[Value(call.path, number)] for number in range(len(outputs))])
        if not call.evaluates:
            self._update(call, context, forward, read)

    def _rows(self, call: Call, value: tf.Tensor, weight: tf.Tensor, sample_weight: tf.Tensor) -> Rows:
        sample_weight = tf.cast(sample_weight, weight.dtype)
        return Rows(value, sample_weight if self.uniform(call.path) else weight * sample_weight)

    def _update(self, call: Call, context: Context, forward: Forward, read: dict[str, tf.Tensor]) -> None:
        """Keep what a call made of its state, unless that is frozen."""
        for name, value in context.updates.items():
            path = call.param_path(name)
            if not self.graph.freezes(path):
                read[path] = forward.updates[path] = _turned(value, self._axes(call, name), self.parameters[path].lying)

    def _read(self, call: Call, name: str, read: dict[str, tf.Tensor]) -> tf.Tensor:
        """A parameter with its axes and type as the call's module wants them; each variable is read once in a walk."""
        path = call.param_path(name)
        turned = _turned(self._tensor(path, read), self.parameters[path].lying, self._axes(call, name))
        dtype = self._types[call.path].get(name)
        return tf.cast(turned, dtype) if dtype else turned

    def _tensor(self, path: str, read: dict[str, tf.Tensor]) -> tf.Tensor:
        if path not in read:
            read[path] = tf.convert_to_tensor(self.parameters[path].variable)
        return read[path]

    def _axes(self, call: Call, name: str) -> str:
        """The axes of a parameter as the call's module wants them."""
        place = self._places[call.path].get(name)
        return (place.axes if place else "") or self.parameters[call.param_path(name)].axes


def _types(call: Call, precision: Precision) -> dict[str, str]:
    """For each weight kept in another type than its layer computes in, that of its first floating input.

    A type that the layer itself states for a parameter stays, and so does all state.
    """
    computed = next((spec.dtype for spec in call.in_specs if spec.floating), precision.compute)
    weights = (spec.name for spec in call.params if spec.trained and spec.dtype == precision.params != computed)
    return dict.fromkeys(weights, computed)


def _turned(tensor: tf.Tensor, axes: str, wanted: str) -> tf.Tensor:
    order = permutation(axes, wanted)
    return tensor if order is None else tf.transpose(tensor, order)
