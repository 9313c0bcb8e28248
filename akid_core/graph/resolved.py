"""Graph: a Brain after all names, orders and specs are settled. What backends build from.

Flat: systems inside systems are gone, each layer stands under its full path, in an order in which every value exists
before it is used. No tensors yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from akid_core.specs.layer import Layer, Loss, Metric
from akid_core.specs.names import matches
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec

BEFORE = "@before"
"""At the end of the path of a call that gives what was carried from the last step."""

BORDER = "@border"
"""The name of the layer that cuts an input of an Unroll into steps; no block can be called so."""

STOP = "@stop"
"""At the end of the path of a call that lets no gradient through."""


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor of the graph: an input, a batch field, or output number `output` of the call at path `source`.

    While a Brain is resolved, one with `delay` k is the value k steps ago, and `initial` says what came before the
    first step; in a Graph there are none.
    """

    source: str
    output: int = 0
    delay: int = 0
    initial: float | str = "zeros"

    def __str__(self) -> str:
        return self.source + (f":{self.output}" if self.output else "") + (f"@-{self.delay}" if self.delay else "")


def whole(text: str) -> str:
    """A block or value of one step of an Unroll without the step: `rnn/h@3` -> `rnn/h`; others stay as they are."""
    path, colon, output = text.partition(":")
    name, *steps = path.split("@")
    return f"{name}{colon}{output}" if steps and all(map(str.isdecimal, steps)) else text


@dataclass(frozen=True, slots=True)
class Call:
    """One application of one layer.

    `owner`: the path under which its parameters live: its own, unless they are shared; no call need have it, as where
    `rnn/h` is unrolled into `rnn/h@0`, `rnn/h@1` and so on. `evaluates`: it behaves as in evaluation, in training too,
    and its state never moves.
    """

    path: str
    layer: Layer
    inputs: tuple[Value, ...]
    in_specs: tuple[TensorSpec, ...]
    out_specs: tuple[TensorSpec, ...]
    params: tuple[ParamSpec, ...]
    owner: str
    evaluates: bool = False

    def param_path(self, name: str) -> str:
        return f"{self.owner}/{name}"


@dataclass(frozen=True, slots=True)
class Line:
    """What a graph that runs step by step carries from each step to the next.

    `newest`: the value that the next step takes. `spec`: of that input. `initial`: what it is before the first step, a
    number for all of it, or the path of the parameter, of the shape of one row, that holds it.
    """

    newest: Value
    spec: TensorSpec
    initial: float | str


@dataclass(frozen=True)
class Graph:
    """A checked network. `inputs`: what it takes. `fields`: what losses and metrics use of the batch besides.

    `calls` hold the layers, `losses` (each a `Loss`) and `metrics` (each a `Metric`) follow them. All paths are unique.
    No value is delayed any more: feedback is settled as calls and inputs. `frozen`: globs of parameter paths that
    practice leaves as they are: weights get no gradient, state no update. `keeps`: what a training step computes beside
    losses and metrics, since it puts into state what the next step takes. `lines`: of a graph that runs step by step,
    by the input that takes it, what is carried from one run to the next; these are `inputs` too. `systems`: what the
    Systems inside give, by their path, `path:1` being the second output.
    """

    inputs: Mapping[str, TensorSpec]
    fields: Mapping[str, TensorSpec]
    calls: tuple[Call, ...]
    outputs: Mapping[str, Value]
    losses: tuple[Call, ...] = ()
    metrics: tuple[Call, ...] = ()
    precision: Precision = field(default_factory=Precision)
    frozen: tuple[str, ...] = ()
    keeps: tuple[Value, ...] = ()
    lines: Mapping[str, Line] = field(default_factory=dict)
    systems: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    @cached_property
    def params(self) -> Mapping[str, ParamSpec]:
        """Every parameter once, by full path (`"conv1/weight"`), in the order of the calls."""
        return {call.param_path(param.name): param for call in self.everything for param in call.params}

    @cached_property
    def everything(self) -> tuple[Call, ...]:
        return self.calls + self.losses + self.metrics

    @cached_property
    def by_path(self) -> Mapping[str, Call]:
        return {call.path: call for call in self.everything}

    def spec(self, value: Value) -> TensorSpec:
        """The spec of a value."""
        if value.source in self.by_path:
            return self.by_path[value.source].out_specs[value.output]
        return self.inputs.get(value.source) or self.fields[value.source]

    def needed(self, targets: Iterable[Value], given: Collection[Value] = ()) -> tuple[Call, ...]:
        """The calls that the targets depend on, in order, but for what lies before the values that are `given`."""
        wanted = {value.source for value in targets if value not in given}
        chosen = []
        for call in reversed(self.everything):
            if call.path in wanted:
                chosen.append(call)
                wanted.update(value.source for value in call.inputs if value not in given)
        return tuple(reversed(chosen))

    @cached_property
    def asked(self) -> Mapping[str, TensorSpec]:
        """The inputs that the outputs depend on: what `predict` needs."""
        targets = tuple(self.outputs.values())
        sources = {value.source for call in self.needed(targets) for value in call.inputs}
        sources.update(value.source for value in targets)
        return {name: spec for name, spec in self.inputs.items() if name in sources}

    @cached_property
    def measured(self) -> tuple[Call, ...]:
        """What losses and metrics need, and these."""
        return self.needed(Value(call.path) for call in self.losses + self.metrics)

    @cached_property
    def practised(self) -> tuple[Call, ...]:
        """What a training step runs."""
        return self.needed((*(Value(call.path) for call in self.losses + self.metrics), *self.keeps))

    def freezes(self, path: str) -> bool:
        """Whether the parameter at `path`, weight or state, never changes; what is carried always does."""
        return matches(path, self.frozen) and BEFORE not in path

    @property
    def rows(self) -> int | None:
        """How many rows each training batch has, where values are carried from one to the next; None for any number."""
        return next((spec.shape[0] for path, spec in self.params.items() if f"{BEFORE}/" in path), None)

    @property
    def trained(self) -> tuple[str, ...]:
        """Paths of the parameters that are trained."""
        return tuple(path for path, param in self.params.items() if param.trained and not self.freezes(path))

    @property
    def loss_layers(self) -> Mapping[str, Loss]:
        return {call.path: call.layer for call in self.losses if isinstance(call.layer, Loss)}

    @property
    def metric_layers(self) -> Mapping[str, Metric]:
        return {call.path: call.layer for call in self.metrics if isinstance(call.layer, Metric)}
