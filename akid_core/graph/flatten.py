"""Flattening: Systems inside Systems become one list of placed layers, each input a `Value` of a flat path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from akid_core.errors import AmbiguousNameError, CycleError, GraphError, SpecError, UnknownNameError
from akid_core.graph.lookup import endings, listed, nearest
from akid_core.graph.node import Edge
from akid_core.graph.resolved import Value
from akid_core.graph.system import System
from akid_core.graph.unroll import Entry, Exit, Unroll
from akid_core.graph.wiring import wiring
from akid_core.specs.layer import Layer, Loss, Metric


@dataclass(slots=True, eq=False)
class Scope:
    """A System at its place.

    `bound`: what its inputs stand for, in the scope around it (the outermost has none). `share`: whose parameters it
    uses. `edges`: the inputs of each of its members, by name. `outputs`: what it gives. `inner`: the Systems directly
    inside. `found`: what `follow` has found behind (name, output) in this scope.
    """

    system: System
    path: str = ""
    outer: Scope | None = None
    bound: tuple[Edge, ...] = ()
    share: str | None = None
    edges: dict[str, tuple[Edge, ...]] = field(default_factory=dict)
    outputs: tuple[Edge, ...] = ()
    inner: dict[str, Scope] = field(default_factory=dict)
    found: dict[tuple[str, int], Value] = field(default_factory=dict)

    def join(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    @property
    def level(self) -> Scope | None:
        """The innermost Unroll that this is or lies in; None outside any."""
        scope: Scope | None = self
        while scope is not None and not isinstance(scope.system, Unroll):
            scope = scope.outer
        return scope

    @property
    def evaluating(self) -> bool:
        """Whether what is inside always behaves as in evaluation."""
        return self.system.evaluating or (self.outer is not None and self.outer.evaluating)

    def find(self, path: str) -> tuple[Scope, str] | None:
        """The scope that directly holds the block at `path`, and its name there."""
        *systems, name = path.split("/")
        scope = self
        for system in systems:
            if system not in scope.inner:
                return None
            scope = scope.inner[system]
        return (scope, name) if name in scope.system.named else None

    def means(self, name: str) -> tuple[Scope, str] | None:
        """What a name means here: the scope that holds the block or input, and its name there."""
        return (self, name) if name in self.system.input_names else self.find(name)

    def __str__(self) -> str:
        noun = "Unroll" if isinstance(self.system, Unroll) else "System"
        return f"the {noun} '{self.path}'" if self.path else "the Brain"


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer at its place. `edges`: its inputs as written, `inputs`: as flat values. `share`: as written.

    At the border of an Unroll at `rnn` stand its entries, `rnn/x` for an input `x`, and its exit, `rnn`.
    """

    path: str
    layer: Layer
    scope: Scope
    edges: tuple[Edge, ...]
    inputs: tuple[Value, ...]
    share: str | None

    @property
    def level(self) -> str:
        """The path of the Unroll whose values its outputs are, of an exit the one around; empty outside any."""
        scope = self.scope.level
        if scope is not None and isinstance(self.layer, Exit):
            scope = scope.outer.level if scope.outer is not None else None
        return scope.path if scope is not None else ""

    def __str__(self) -> str:
        return block(self.path)


def flatten(system: System) -> tuple[Scope, tuple[Placed, ...]]:
    """The outermost scope, and every layer, loss and metric in the order of the description.

    Raises the typed error of a name that is unknown, given twice or ambiguous, `CycleError` for a System that is its
    own input, and `SpecError` for a wrong number of a System's inputs or an output that it does not have.
    """
    root = _scope(Scope(system))
    return root, tuple(_placed(root))


def block(path: str) -> str:
    """What messages call a block."""
    return f"Block '{path}'"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def follow(scope: Scope, edge: Edge, user: str, *, fields: bool = False) -> Value:
    """The flat value behind an edge, through inputs and outputs of Systems; delays on the way add up.

    `user`: what takes it, for messages. With `fields` an unknown name is a field of the batch.
    """
    if fields and scope.means(edge.source) is None:
        _check_single(edge, user, "field of the batch")
        return Value(edge.source, 0, edge.delay, edge.initial)
    steps: dict[tuple[Scope, str, int], Edge] = {}
    target: Value | None = None
    while target is None:
        here = (scope, edge.source, edge.output)
        if here in steps:
            names = " -> ".join(place.join(source) for place, source, _ in (*steps, here))
            raise CycleError(f"{user} takes '{next(iter(steps.values()))}', which is nothing but itself: {names}.")
        steps[here] = edge
        target = scope.found.get((edge.source, edge.output)) or _end(scope, edge, user)
        if target is None:
            scope, edge = _next(scope, edge, user)
    for (place, source, output), step in reversed(steps.items()):
        place.found[source, output] = target
        target = _delayed(target, step, user)
    return target


def _end(scope: Scope, edge: Edge, user: str) -> Value | None:
    """The flat value, where an edge leads to one directly: to an input of the Brain, or to a layer."""
    meant = scope.means(edge.source)
    if meant is None:
        raise unknown(scope, edge.source, user)
    holder, name = meant
    if holder.level is not scope.level:
        raise GraphError(
            f"{user} takes '{edge}', which lies inside {holder.level} and has a value at each step: give it among the "
            "outputs of the Unroll, and take that."
        )
    if name in holder.inner:
        inner = holder.inner[name]
        if not isinstance(inner.system, Unroll):
            return None
        _check_output(inner, edge, user)
        return Value(inner.path, edge.output)
    if name in holder.system.named:
        if isinstance(holder.system.named[name].block, Loss | Metric):
            raise GraphError(f"{user} takes '{edge}', which is a loss or metric: these give nothing to other blocks.")
        return Value(holder.join(name), edge.output)
    _check_single(edge, user, "input")
    if isinstance(scope.system, Unroll):
        return Value(scope.join(name))
    return Value(name) if scope.outer is None else None


def _next(scope: Scope, edge: Edge, user: str) -> tuple[Scope, Edge]:
    """Where an edge leads on: from an input of a System to what is bound to it, from a System to what it gives."""
    if scope.outer is not None and edge.source in scope.system.input_names:
        return scope.outer, scope.bound[scope.system.input_names.index(edge.source)]
    holder, name = scope.find(edge.source) or (scope, edge.source)
    inner = holder.inner[name]
    _check_output(inner, edge, user)
    return inner, inner.outputs[edge.output]


def _check_output(inner: Scope, edge: Edge, user: str) -> None:
    if edge.output >= len(inner.outputs):
        raise SpecError(f"{user} takes '{edge}', but {inner} gives {count(len(inner.outputs), 'output')}.")


def _delayed(value: Value, edge: Edge, user: str) -> Value:
    """The value as the edge takes it."""
    if not edge.delay:
        return value
    if value.delay and value.initial != edge.initial:
        raise GraphError(
            f"{user} takes '{edge}' through two delays, one that begins with {edge.initial} and one with "
            f"{value.initial}: let both begin alike."
        )
    return replace(value, delay=value.delay + edge.delay, initial=edge.initial)


def unknown(scope: Scope, name: str, user: str, fields: Iterable[str] = ()) -> AmbiguousNameError | UnknownNameError:
    """The error for a name that means nothing in a scope; `fields` are those that the batch offers."""
    fields = list(fields)
    known = [*scope.system.input_names, *scope.system.blocks, *fields]
    inside = endings(name, known)
    if len(inside) > 1:
        return AmbiguousNameError(f"{user} takes '{name}', which could be {listed(inside)}. Write the whole path.")
    hint = f" Did you mean '{inside[0]}'?" if inside else nearest(name, known)
    offered = f" The batch has the fields {listed(fields)}." if fields else ""
    return UnknownNameError(
        f"{user} takes '{name}', which is not in {scope}.{hint} Inputs: {listed(scope.system.input_names)}. "
        f"Blocks: {listed(scope.system.blocks)}.{offered}"
    )


def _scope(scope: Scope) -> Scope:
    """Fill in the edges, outputs and inner scopes."""
    wires = wiring(scope.system)
    scope.edges, scope.outputs = dict(wires.edges), wires.outputs
    for name, node in scope.system.named.items():
        if isinstance(node.block, System):
            inner = Scope(node.block, scope.join(name), scope, scope.edges[name], node.share)
            wanted = node.block.input_names
            if len(inner.bound) != len(wanted):
                raise SpecError(
                    f"{block(inner.path)} takes {count(len(wanted), 'input')} ({listed(wanted)}), got "
                    f"{len(inner.bound)} ({listed(map(str, inner.bound))})."
                )
            scope.inner[name] = _scope(inner)
    return scope


def _placed(scope: Scope) -> Iterator[Placed]:
    for name, node in scope.system.named.items():
        if name in scope.inner:
            inner = scope.inner[name]
            yield from _unrolled(inner, inner.system) if isinstance(inner.system, Unroll) else _placed(inner)
        elif isinstance(node.block, Layer):
            path, edges = scope.join(name), scope.edges[name]
            fields = isinstance(node.block, Loss | Metric)
            inputs = tuple(follow(scope, edge, block(path), fields=fields) for edge in edges)
            yield Placed(path, node.block, scope, edges, inputs, node.share)
        else:
            raise GraphError(
                f"{block(scope.join(name))} is a {type(node.block).__name__}, neither a Layer nor a System."
            )


def _unrolled(scope: Scope, unroll: Unroll) -> Iterator[Placed]:
    """What is in an Unroll, between its entries and its exit."""
    around = scope.outer
    assert around is not None, "an Unroll stands in a Brain"
    user, axis = block(scope.path), unroll.time_axis
    whole = []
    for name, edge in zip(unroll.input_names, scope.bound, strict=True):
        value = follow(around, edge, user)
        cut = name in unroll.cut
        whole += [(edge, value)] if cut else []
        yield Placed(scope.join(name), Entry(axis=axis, cut=cut), scope, (edge,), (value,), None)
    for placed in _placed(scope):
        if isinstance(placed.layer, Loss | Metric):
            raise GraphError(
                f"{placed} is a loss or metric inside {scope}: let it stand outside, over the outputs of all steps."
            )
        yield placed
    given = [(edge, follow(scope, edge, user)) for edge in scope.outputs]
    edges, values = zip(*given, *whole, strict=True)
    exit_layer = Exit(axis=axis, count=len(given), steps=unroll.steps, gives=unroll.gives)
    yield Placed(scope.path, exit_layer, scope, edges, values, None)


def _check_single(edge: Edge, user: str, what: str) -> None:
    if edge.output:
        raise SpecError(f"{user} takes '{edge}', but an {what} is one value: write '{edge.source}'.")
