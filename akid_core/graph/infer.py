"""Inference: the specs of all values from those of the inputs, and the check that each layer takes what it gets."""

from __future__ import annotations

import inspect
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TypeVar

from akid_core.errors import GraphError, SpecError
from akid_core.graph.flatten import Placed, count
from akid_core.graph.resolved import Value
from akid_core.graph.unroll import Entry, Exit
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec

Specs = dict[str, tuple[TensorSpec, ...]]
"""For each source of values (input, field, layer) the specs of its outputs."""

_ROUNDS = 8
_CANDIDATES = 32

T = TypeVar("T")


def infer(layers: Sequence[Placed], known: Mapping[str, TensorSpec], compute: str) -> Specs:
    """The specs of everything. `layers` stand in an order that respects all edges but the delayed ones.

    `compute`: the type of computation, which a layer that promises `"float"` gives.

    A value that depends on its own past is first assumed to look like a value near it, then as it turned out, until
    nothing changes. Raises `SpecError` where inputs do not fit.
    """
    start: Specs = {name: (spec,) for name, spec in known.items()}
    past: Specs = {}
    for _ in range(_ROUNDS):
        met = Specs()
        try:
            specs = _round(layers, start, past, met, compute)
        except SpecError as error:
            if met and not past:  # later rounds stand on what was inferred, not on what was assumed
                source, assumed = next(reversed(met.items()))
                raise SpecError(
                    f"{error} What '{source}' was before was assumed to be {_several(assumed)}, like a value near it: "
                    "where that is wrong, let its block take something beside its own past, which says what it is."
                ) from error
            raise
        past = {source: specs[source] for source in met}
        if past == met:
            return specs
    source = next(source for source in past if past[source] != met[source])
    raise SpecError(
        f"The past of '{source}' has no fixed spec: what was {_several(met[source])} is {_several(past[source])} one "
        "step later. Bring it back to one shape before it is fed back."
    )


def ask(placed: Placed, inputs: Sequence[TensorSpec], question: Callable[..., T]) -> T:
    """What the layer answers for these inputs, its refusal turned into a `SpecError` that says where and of what."""
    try:
        return question(*inputs)
    except (ValueError, TypeError, IndexError, NotImplementedError) as error:
        sentence = (
            str(error) if isinstance(error, ValueError | NotImplementedError) else f"{type(error).__name__}: {error}"
        )
        raise SpecError(f"{_where(placed, inputs)}: {sentence.rstrip('.')}.") from error
    except Exception as error:
        error.add_note(_where(placed, inputs))
        raise


def param_specs(placed: Placed, inputs: Sequence[TensorSpec]) -> tuple[ParamSpec, ...]:
    """The parameters of a layer for these inputs. Raises `SpecError` where it gives something else."""
    answer = ask(placed, inputs, placed.layer.params)
    params = tuple(answer) if isinstance(answer, Iterable) else (None,)
    if not all(isinstance(param, ParamSpec) for param in params):
        raise SpecError(
            f"{placed} ({type(placed.layer).__name__}) must give its `params` as a tuple of ParamSpec, such as "
            f"`return (ParamSpec(...),)`, gave {answer!r}."
        )
    return params


def input_specs(placed: Placed, specs: Mapping[str, tuple[TensorSpec, ...]]) -> tuple[TensorSpec, ...]:
    """The specs of a layer's inputs. Raises `SpecError` for an output that the block before does not have."""
    return tuple(pick(value, specs, str(placed)) for value in placed.inputs)


def pick(value: Value, specs: Mapping[str, tuple[TensorSpec, ...]], user: str) -> TensorSpec:
    """The spec of one value."""
    outputs = specs[value.source]
    if value.output >= len(outputs):
        raise SpecError(
            f"{user} takes '{value}', but '{value.source}' gives {count(len(outputs), 'output')}: {_several(outputs)}. "
            "Outputs count from 0."
        )
    return outputs[value.output]


def _round(layers: Sequence[Placed], start: Specs, past: Specs, met: Specs, compute: str) -> Specs:
    """All specs; `met` takes those that had to be assumed of a past before they were known."""
    specs = dict(start)
    levels = {placed.path: placed.level for placed in layers}
    for placed in _by_need(layers, start):
        missing = [value.source for value in placed.inputs if value.source not in specs]
        if any(source not in past for source in missing):
            near = [spec for source, spec in specs.items() if levels.get(source, "") == levels[placed.path]]
            specs[placed.path], assumed = _assume(placed, specs, near, past, compute)
            met.update(assumed)
        else:
            met.update((source, past[source]) for source in missing)
            specs[placed.path] = _outputs(placed, input_specs(placed, ChainMap(specs, past)), compute)
    return specs


def _assume(
    placed: Placed, specs: Specs, near: Sequence[tuple[TensorSpec, ...]], past: Specs, compute: str
) -> tuple[tuple[TensorSpec, ...], Specs]:
    """The outputs of a layer under the first assumption about its past that it accepts, and the assumption.

    Candidates: the layer's other inputs, then what was inferred last in the same Unroll, or outside any.
    """
    own = (specs[value.source] for value in placed.inputs if value.source in specs)
    candidates = dict.fromkeys((*own, *islice(reversed(near), _CANDIDATES)))
    refusal = None
    for spec, *_ in filter(None, candidates):
        assumed = {value.source: (spec,) * (value.output + 1) for value in placed.inputs if value.source not in specs}
        assumed.update((source, past[source]) for source in assumed if source in past)
        try:
            return _outputs(placed, input_specs(placed, ChainMap(specs, assumed)), compute), assumed
        except SpecError as error:
            refusal = refusal or error
    if refusal is None:
        raise SpecError(f"{placed} takes nothing but its own past, whose spec cannot be known.")
    raise SpecError(
        f"{refusal} What it takes from the past depends on itself; this spec was assumed, then those of other values "
        "near it, and none fits."
    ) from refusal


def _by_need(layers: Sequence[Placed], start: Specs) -> Iterator[Placed]:
    """The layers, each after all that it takes, delayed or not; where that is a cycle, the next in order goes first."""
    users: dict[str, list[int]] = {}
    missing = []
    for index, placed in enumerate(layers):
        sources = {value.source for value in placed.inputs} - start.keys()
        missing.append(len(sources))
        for source in sources:
            users.setdefault(source, []).append(index)
    ready = deque(index for index, number in enumerate(missing) if not number)
    begun = [not number for number in missing]
    stuck = 0
    while True:
        if not ready:
            stuck = next((index for index in range(stuck, len(layers)) if not begun[index]), len(layers))
            if stuck == len(layers):
                return
            ready.append(stuck)
            begun[stuck] = True
        index = ready.popleft()
        yield layers[index]
        for user in users.get(layers[index].path, ()):
            missing[user] -= 1
            if not missing[user] and not begun[user]:
                ready.append(user)
                begun[user] = True


def _outputs(placed: Placed, inputs: tuple[TensorSpec, ...], compute: str) -> tuple[TensorSpec, ...]:
    layer = type(placed.layer)
    least, most, names = _arity(layer.outputs, getattr(layer, "check", layer.outputs))
    if not least <= len(inputs) <= most:
        wanted = count(least, "input") if least == most else f"at least {count(least, 'input')}"
        wanted = f"{least} to {most} inputs" if least < most < float("inf") else wanted
        called = f" ({', '.join(names)})" if names else ""
        raise SpecError(f"{_where(placed, inputs)}: takes {wanted}{called}, got {len(inputs)}.")
    answer = ask(placed, inputs, placed.layer.outputs)
    outputs = answer if isinstance(answer, tuple) else (answer,)
    if not all(isinstance(spec, TensorSpec) for spec in outputs):
        raise GraphError(f"{placed} ({layer.__name__}) must give a TensorSpec or a tuple of them, gave {answer!r}.")
    if any(isinstance(size, int) and size < 1 for spec in outputs for size in spec.shape):
        raise SpecError(
            f"{_where(placed, inputs)}: would give {_several(outputs)}, and every size must be at least 1. Its "
            "input is too small for its settings."
        )
    return tuple(spec.settled(compute) for spec in outputs)


@cache
def _arity(*methods: Callable[..., object]) -> tuple[int, float, tuple[str, ...]]:
    """The least and largest number of inputs, and what they are called, by the last method that names any.

    Losses and metrics say it in `check`, since their `outputs` takes anything.
    """
    least, most, names = 0, float("inf"), tuple[str, ...]()
    for method in methods:
        parameters = list(inspect.signature(method).parameters.values())[1:]
        named = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
        if named:
            least = sum(each.default is each.empty for each in named)
            names = tuple(each.name for each in named)
            most = float("inf") if len(named) < len(parameters) else len(named)
    return least, most, names


def _where(placed: Placed, inputs: Sequence[TensorSpec]) -> str:
    """The block, its class, and its inputs as written and as they are."""
    pairs = [f"{edge} = {spec}" for edge, spec in zip(placed.edges, inputs, strict=True)]
    kind = "Unroll" if isinstance(placed.layer, Entry | Exit) else type(placed.layer).__name__
    return f"{placed} ({kind}) with {', '.join(pairs) or 'no inputs'}"


def _several(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(map(str, specs))
