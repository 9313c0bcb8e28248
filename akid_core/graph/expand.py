"""Expansion: a Brain over time becomes a flat graph without delays, which every backend can run.

What stands in an Unroll is called once for each step, as `rnn/h@0`, `rnn/h@1` and so on, with the parameters of
`rnn/h`. A value that comes from before the first step is the initial one, or what was carried there: in training from
the batch before, through a state parameter; in a graph that runs step by step, through an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from akid_core.errors import GraphError, OpenSizeError, SpecError
from akid_core.graph.flatten import Placed, Scope
from akid_core.graph.resolved import BEFORE, BORDER, STOP, Call, Line, Value
from akid_core.graph.unroll import Entry, Exit, Unroll
from akid_core.layers.stack import Stack, Unstack
from akid_core.layers.unrolled import After, Before, Initial, StopGradient
from akid_core.specs.tensor import TensorSpec

Times = tuple[int, ...]
"""The step of each Unroll around, the outermost first."""


_NUMBERS: dict[float | str, float] = {"zeros": 0.0}


@dataclass(frozen=True, slots=True)
class Stream:
    """Training on contiguous batches: `rows` in each, and an epoch every `period` steps."""

    rows: int
    period: int


@dataclass(frozen=True, slots=True)
class Past:
    """A value that is used with a delay, and what it was before the first step."""

    source: str
    output: int
    initial: float | str

    @property
    def text(self) -> str:
        return str(Value(self.source, self.output))


@dataclass
class Level:
    """What runs once for each step of one Unroll, or, outside any, of training.

    `depths`: of each value that is used with a delay, the longest.
    """

    unroll: Unroll | None = None
    outer: str | None = None
    members: list[Placed] = field(default_factory=list)
    entries: list[Placed] = field(default_factory=list)
    depths: dict[Past, int] = field(default_factory=dict)


class Expansion:
    """Makes the calls of a graph from those of one step.

    `single`: of each layer, in order, the call of one step, whose inputs may be delayed. `specs`: of fields, by name.
    `stream`: how batches follow one another in training; without it, what is carried has its initial value. `stepwise`:
    the graph runs step by step, and all its states are inputs.
    """

    def __init__(
        self,
        layers: Sequence[Placed],
        single: Mapping[str, Call],
        specs: Mapping[str, TensorSpec],
        stream: Stream | None = None,
        *,
        stepwise: bool = False,
    ) -> None:
        self._placed = {placed.path: placed for placed in layers}
        self._single, self._specs, self._stream, self._stepwise = single, specs, stream, stepwise
        self._levels: dict[str, Level] = {"": Level()}
        self.calls: dict[str, Call] = {}
        self.keeps: list[Value] = []
        self.lines: dict[str, Line] = {}
        for placed in layers:
            self._sort(placed)

    def run(self, measures: Sequence[Placed]) -> None:
        """Make all calls: those of layers, then of losses and metrics."""
        for placed in measures:
            self._note(self._levels[""], self._single[placed.path])
        self._run("", ())
        for placed in measures:
            self._call(placed.path, "", ())
        self._keep("", ())

    def value(self, value: Value) -> Value:
        """What a value outside any Unroll has become."""
        return self._at(value, "", ())

    # -- levels

    def _sort(self, placed: Placed) -> None:
        scope = placed.scope
        level = self._level(scope.level)
        if isinstance(placed.layer, Entry):
            level.entries.append(placed)
            outer = scope.outer
            assert outer is not None
            self._note(self._level(outer.level), self._single[placed.path])
            return
        if isinstance(placed.layer, Exit):
            # What it gives is of the level around; what it takes, of its own and, whole, of the one around.
            self._note(level, self._single[placed.path])
            level = self._levels[level.outer or ""]
        else:
            self._note(level, self._single[placed.path])
        level.members.append(placed)

    def _level(self, scope: Scope | None) -> Level:
        path = scope.path if scope is not None else ""
        if scope is not None and path not in self._levels:
            assert isinstance(scope.system, Unroll)
            assert scope.outer is not None
            outer = scope.outer.level
            self._level(outer)
            if scope.system.carry and outer is not None:
                raise GraphError(
                    f"{scope} says carry, and stands in {outer}, each of whose steps it begins anew: say carry of "
                    "the outermost Unroll alone."
                )
            self._levels[path] = Level(scope.system, outer.path if outer is not None else "")
        return self._levels[path]

    def _note(self, level: Level, call: Call) -> None:
        for value in call.inputs:
            if value.delay:
                past = Past(value.source, value.output, value.initial)
                level.depths[past] = max(level.depths.get(past, 0), value.delay)

    # -- calls

    def _run(self, path: str, times: Times) -> None:
        """One step of a level."""
        for placed in self._levels[path].members:
            if isinstance(placed.layer, Exit):
                self._unroll(placed, placed.layer, times)
            else:
                self._call(placed.path, path, times)

    def _unroll(self, placed: Placed, border: Exit, times: Times) -> None:
        """All steps of an Unroll, and what they give."""
        path, single = placed.path, self._single[placed.path]
        length, axis = border.length(single.in_specs), border.axis
        for entry in self._levels[path].entries:
            if isinstance(entry.layer, Entry) and entry.layer.cut:
                call, outer = self._single[entry.path], self._levels[path].outer or ""
                self._add(
                    replace(
                        call,
                        path=_at_times(entry.path, times),
                        layer=Unstack(axis=axis, name=BORDER),
                        inputs=tuple(self._at(value, outer, times) for value in call.inputs),
                        out_specs=call.out_specs * length,
                    )
                )
        for step in range(length):
            self._run(path, (*times, step))
        if border.gives == "steps":
            for output, spec in enumerate(single.out_specs):
                given = tuple(self._at(single.inputs[output], path, (*times, step)) for step in range(length))
                owner, specs = _exit(path, output), (single.in_specs[output],) * length
                self._add(Call(_at_times(owner, times), Stack(axis=axis), given, specs, (spec,), (), owner))
        self._keep(path, times)

    def _call(self, path: str, level: str, times: Times) -> None:
        """One call of a layer, at a step."""
        single = self._single[path]
        inputs = tuple(self._at(value, level, times) for value in single.inputs)
        self._add(replace(single, path=_at_times(path, times), inputs=inputs))

    def _add(self, call: Call) -> Call:
        return self.calls.setdefault(call.path, call)

    # -- values

    def _at(self, value: Value, level: str, times: Times) -> Value:
        """What a value of the calls of one step is at a step of a level, its delay counted back from there."""
        if not value.delay:
            return self._now(value.source, value.output, level, times)
        step = times[-1] if level else 0
        past = step - value.delay
        if past < 0:
            return self._before(Past(value.source, value.output, value.initial), level, -past)
        found = self._now(value.source, value.output, level, (*times[:-1], past))
        unroll = self._levels[level].unroll
        bptt = unroll.bptt if unroll is not None else None
        return self._stopped(found, value) if bptt and step // bptt != past // bptt else found

    def _now(self, source: str, output: int, level: str, times: Times) -> Value:
        placed = self._placed.get(source)
        if placed is None:
            return Value(source)
        if isinstance(placed.layer, Entry):
            if placed.layer.cut:
                return Value(_at_times(source, times[:-1]), times[-1])
            return self._at(placed.inputs[0], self._levels[level].outer or "", times[:-1])
        if isinstance(placed.layer, Exit):
            if placed.layer.gives == "steps":
                return Value(_at_times(_exit(source, output), times))
            last = placed.layer.length(self._single[source].in_specs) - 1
            return self._at(placed.inputs[output], source, (*times, last))
        return Value(_at_times(source, times), output)

    def _stopped(self, found: Value, value: Value) -> Value:
        """The value, with no gradient back through it."""
        path, spec = f"{found}{STOP}", self._spec(value.source, value.output)
        call = Call(path, StopGradient(), (found,), (spec,), (spec,), (), path)
        return Value(self._add(call).path)

    def _before(self, past: Past, level: str, back: int) -> Value:
        """A value so many steps before the first one."""
        if self._carries(level):
            if self._stepwise:
                return Value(_line(self._name(past), back))
            return Value(self._carried(past, level).path, back - 1)
        return Value(self._initial(past).path)

    def _carries(self, level: str) -> bool:
        """Whether the steps of a level go on from earlier ones."""
        found = self._levels[level]
        if found.outer:  # inside another Unroll
            return False
        if self._stepwise:
            return True
        return self._stream is not None and (found.unroll is None or found.unroll.carry)

    def _initial(self, past: Past) -> Call:
        spec = self._spec(past.source, past.output)
        try:
            _ = spec.row
        except OpenSizeError as error:
            raise SpecError(f"'{past.text}' is used with a delay: {error}.") from error
        value = None if past.initial == "learned" else float(_NUMBERS.get(past.initial, past.initial))
        if value is None and not spec.floating:
            raise SpecError(f"'{past.text}' is {spec}, and the initial value of integers is not learned: say a number.")
        layer = Initial(spec=spec, value=value)
        path = f"{self._name(past)}@initial"
        params = tuple(replace(param, dtype=spec.dtype) for param in layer.params())
        return self._add(Call(path, layer, (), (), (spec,), params, path))

    def _carried(self, past: Past, level: str) -> Call:
        """What the batch before has left."""
        assert self._stream is not None
        initial, spec = self._initial(past), self._spec(past.source, past.output)
        depth = self._levels[level].depths[past]
        layer = Before(depth=depth, rows=self._stream.rows, period=self._stream.period)
        path = self._name(past) + BEFORE
        return self._add(Call(path, layer, (Value(initial.path),), (spec,), (spec,) * depth, layer.params(spec), path))

    def _keep(self, level: str, times: Times) -> None:
        """At the end of the steps of a level, what the next ones take."""
        if not self._carries(level):
            return
        steps = 1
        if level:
            border = self._placed[level].layer
            assert isinstance(border, Exit)
            steps = border.length(self._single[level].in_specs)
        for past, depth in self._levels[level].depths.items():
            newest = [
                self._now(past.source, past.output, level, (*times, steps - back) if level else ())
                if back <= steps
                else self._before(past, level, back - steps)
                for back in range(1, depth + 1)
            ]
            spec = self._spec(past.source, past.output)
            if self._stepwise:
                initial = self._initial(past)
                begins = f"{initial.path}/value" if initial.params else float(_NUMBERS.get(past.initial, past.initial))
                for back, value in enumerate(newest, start=1):
                    self.lines[_line(self._name(past), back)] = Line(value, spec, begins)
                continue
            before = self._carried(past, level)
            layer = After()
            call = Call(
                f"{self._name(past)}@after", layer, tuple(newest), (spec,) * depth, (layer.outputs(*(spec,) * depth),),
                before.params, before.owner,
            )  # fmt: skip
            self.keeps.append(Value(self._add(call).path))

    def _name(self, past: Past) -> str:
        """What is called after a value: its text; with what it begins with, where it begins in several ways."""
        others = (each for level in self._levels.values() for each in level.depths if each.text == past.text)
        if all(other == past for other in others):
            return past.text
        return f"{past.text}@{'' if isinstance(past.initial, str) else '='}{past.initial}"

    def _spec(self, source: str, output: int) -> TensorSpec:
        """The spec of a value of one step."""
        return self._single[source].out_specs[output] if source in self._single else self._specs[source]


def _at_times(path: str, times: Times) -> str:
    return path + "".join(f"@{step}" for step in times)


def _exit(path: str, output: int) -> str:
    """The path of the call that gives an output of an Unroll."""
    return f"{path}:{output}" if output else path


def _line(name: str, back: int) -> str:
    """The input that takes a value of so many steps before, in a graph that runs step by step."""
    return f"{name}@-{back}"
