"""Resolving: from a Brain and the fields of a batch to a checked, flat `Graph`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from akid_core.errors import AmbiguousNameError, ConfigurationError, GraphError, SpecError, UnknownNameError, suggest
from akid_core.graph.attach import Attach
from akid_core.graph.expand import Expansion, Stream
from akid_core.graph.flatten import Placed, Scope, block, flatten, follow, unknown
from akid_core.graph.infer import Specs, infer, input_specs, param_specs, pick
from akid_core.graph.lookup import listed
from akid_core.graph.order import ordered
from akid_core.graph.resolved import Call, Graph, Value
from akid_core.graph.share import Sharing
from akid_core.graph.unroll import Unroll
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import FLOATS, TensorSpec

if TYPE_CHECKING:
    from akid_core.graph.brain import Brain

Fields = Mapping[str, TensorSpec]

_DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", *FLOATS)
"""The types that every backend knows."""


def resolve(
    brain: Brain, fields: Fields, *, losses: bool = True, stream: Stream | None = None, stepwise: bool = False
) -> Graph:
    """Settle every name, order and spec; raise a typed error for the first thing that does not fit."""
    _check_precision(brain.precision)
    root, everything = flatten(brain)
    measures = [placed for placed in everything if isinstance(placed.layer, Loss | Metric) and losses]
    layers = _in_order([placed for placed in everything if not isinstance(placed.layer, Loss | Metric)])

    inputs = {name: _input(brain, name, fields) for name in brain.input_names}
    used = _used(root, measures, fields)
    known = {name: _computed(name, spec, brain.precision) for name, spec in {**inputs, **used}.items()}
    specs = infer([*layers, *measures], known, brain.precision.compute)
    _check_inner(root, specs)

    single = _calls([*layers, *measures], specs, brain.precision, Sharing(everything))
    expansion = Expansion(layers, single, known, stream, stepwise=stepwise)
    expansion.run(measures)
    outputs = {name: expansion.value(value) for name, value in _outputs(root, specs).items()}
    made = expansion.calls.values()
    lines = {name: line.spec for name, line in expansion.lines.items()}
    return Graph(
        inputs={name: known[name] for name in inputs} | lines,
        fields={name: known[name] for name in used},
        calls=tuple(call for call in made if not isinstance(call.layer, Loss | Metric)),
        outputs=outputs,
        losses=tuple(call for call in made if isinstance(call.layer, Loss)),
        metrics=tuple(call for call in made if isinstance(call.layer, Metric)),
        precision=brain.precision,
        keeps=tuple(expansion.keeps),
        lines=expansion.lines,
        systems={text: (expansion.value(value),) for text, value in _given(root)},
    )


def _in_order(layers: Sequence[Placed]) -> list[Placed]:
    by_path = {placed.path: placed for placed in layers}
    waits = {path: [value.source for value in placed.inputs if not value.delay] for path, placed in by_path.items()}
    for path, placed in by_path.items():  # an Unroll is left when all in it has run, whoever takes it
        if placed.level:
            waits[placed.level].append(path)
    return [by_path[path] for path in ordered(waits)]


def _input(brain: Brain, name: str, fields: Fields) -> TensorSpec:
    """The spec of one input: what the batch has, checked against what the Brain states."""
    stated, offered = brain.input_specs.get(name), fields.get(name)
    spec = offered or stated
    if spec is None:
        raise UnknownNameError(
            f"The Brain's input '{name}' is not a field of the batch.{suggest(name, fields)} "
            f"The batch has the fields {listed(fields)}. Rename the input, or state its spec: "
            f"inputs={{'{name}': TensorSpec(...)}}."
        )
    if stated and offered and not fits(stated, offered):
        raise SpecError(f"The Brain's input '{name}' is stated as {stated}, but the batch has {offered}.")
    if not spec.shape or isinstance(spec.shape[0], int):
        raise SpecError(
            f"The Brain's input '{name}' is {spec}: its first dimension is the batch, a symbol such as 'N'."
        )
    return spec


def fits(stated: TensorSpec, offered: TensorSpec) -> bool:
    """Whether a tensor may stand where `stated` is asked for: a symbol takes any size, a floating type any other."""
    sizes = zip(stated.shape, offered.shape, strict=False)
    return (
        stated.rank == offered.rank
        and (stated.dtype == offered.dtype or (stated.floating and offered.floating))
        and all(wanted == size or isinstance(wanted, str) for wanted, size in sizes)
    )


def _used(root: Scope, measures: Sequence[Placed], fields: Fields) -> dict[str, TensorSpec]:
    """The fields of the batch that losses and metrics take, beside the inputs."""
    used = {}
    for placed in measures:
        for name in {edge.source: None for edge in placed.edges if placed.scope.means(edge.source) is None}:
            if root.find(name):
                raise AmbiguousNameError(
                    f"{placed} takes the field '{name}' of the batch, but a block is called so too: rename the block."
                )
            if name not in fields:
                raise unknown(placed.scope, name, str(placed), fields)
            if name not in root.system.input_names:
                used[name] = fields[name]
    return used


def _computed(name: str, spec: TensorSpec, precision: Precision) -> TensorSpec:
    if spec.dtype not in _DTYPES:
        raise SpecError(
            f"The field '{name}' is {spec}, and networks compute with {', '.join(_DTYPES)}; let the source or an "
            f"augmenter give it as one of these."
        )
    return spec.with_dtype(precision.compute) if spec.floating else spec


def _check_inner(scope: Scope, specs: Specs) -> None:
    """Check what Systems inside state of their inputs."""
    for inner in scope.inner.values():
        for name, edge in zip(inner.system.input_names, inner.bound, strict=True):
            stated = inner.system.input_specs.get(name)
            value = follow(scope, edge, str(inner))
            offered = pick(Value(inner.join(name)) if isinstance(inner.system, Unroll) else value, specs, str(inner))
            if stated and not fits(stated, offered):
                raise SpecError(f"The input '{name}' of {inner} is stated as {stated}, but '{edge}' is {offered}.")
        _check_inner(inner, specs)


def _calls(layers: Sequence[Placed], specs: Specs, precision: Precision, sharing: Sharing) -> dict[str, Call]:
    """The calls by path; one that shares parameters has the specs of their owner."""
    inputs = {placed.path: input_specs(placed, specs) for placed in layers}
    params = {placed.path: _params(placed, inputs[placed.path], precision) for placed in layers}
    calls = {}
    for placed in layers:
        owner = sharing.owner(placed)
        _check_shared(placed, owner, params)
        calls[placed.path] = Call(
            path=placed.path,
            layer=placed.layer,
            inputs=placed.inputs,
            in_specs=inputs[placed.path],
            out_specs=specs[placed.path],
            params=params[owner.path],
            owner=owner.path,
            evaluates=placed.scope.evaluating,
        )
    return calls


def _params(placed: Placed, inputs: tuple[TensorSpec, ...], precision: Precision) -> tuple[ParamSpec, ...]:
    params = param_specs(placed, inputs)
    names = [param.name for param in params]
    if len(set(names)) < len(names):
        raise GraphError(f"{placed} ({type(placed.layer).__name__}) gives two parameters one name: {', '.join(names)}.")
    return tuple(replace(param, dtype=precision.params) if param.dtype == "float" else param for param in params)


def _check_shared(placed: Placed, owner: Placed, params: Mapping[str, Sequence[ParamSpec]]) -> None:
    if owner is placed:
        return
    if isinstance(placed.layer, Attach) or isinstance(owner.layer, Attach):
        if replace(placed.layer, name=None) != replace(owner.layer, name=None):
            raise SpecError(
                f"{placed} cannot share the parameters of '{owner.path}': both must attach the same module."
            )
        return
    mine, theirs = (
        {param.name: (param.shape, param.axes, param.dtype, param.role) for param in params[path]}
        for path in (placed.path, owner.path)
    )
    if mine != theirs:
        raise SpecError(
            f"{placed} ({_shapes(params[placed.path])}) cannot share the parameters of '{owner.path}' "
            f"({_shapes(params[owner.path])}): they must have the same names and shapes."
        )
    if placed.share and not mine:
        raise SpecError(f"{placed} shares the parameters of '{owner.path}', which has none: leave out share.")


def _shapes(params: Sequence[ParamSpec]) -> str:
    return ", ".join(f"{param.name} {list(param.shape)}" for param in params) or "no parameters"


def _outputs(root: Scope, specs: Specs) -> dict[str, Value]:
    outputs = {str(edge): follow(root, edge, "The output of the Brain") for edge in root.outputs}
    for value in outputs.values():
        pick(value, specs, "The output of the Brain")
    return outputs


def _given(scope: Scope) -> Iterator[tuple[str, Value]]:
    """What each System inside gives; of one over time, what its inputs are as a whole."""
    for inner in scope.inner.values():
        if isinstance(inner.system, Unroll):
            for name, edge in zip(inner.system.input_names, inner.bound, strict=True):
                yield inner.join(name), follow(scope, edge, block(inner.path))
        else:
            for output, edge in enumerate(inner.outputs):
                yield str(Value(inner.path, output)), follow(inner, edge, block(inner.path))
            yield from _given(inner)


def _check_precision(precision: Precision) -> None:
    for dtype in (precision.params, precision.compute, precision.reductions):
        if dtype not in FLOATS:
            raise ConfigurationError(
                f"The precision '{dtype}' is not a floating type.{suggest(dtype, FLOATS)} Types: {listed(FLOATS)}."
            )
