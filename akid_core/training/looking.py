"""Looking inside: values and gradients of a live Brain by name, and runs from any block to any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akid_core.data.batch import Batch
from akid_core.errors import DataError, UnknownNameError, UsageError
from akid_core.graph.globs import nearest
from akid_core.graph.lookup import listed
from akid_core.graph.resolved import BORDER, Graph, Value, whole
from akid_core.layers.unrolled import INTERNAL
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.names import matches

if TYPE_CHECKING:
    from akid_core.training.kid import Kid

Fields = Mapping[str, np.ndarray]
Arrays = dict[str, np.ndarray]
Named = Mapping[str, tuple[Value, ...]]
"""Values by name; of a block in an Unroll one for each step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """What an array looks like: its mean, standard deviation, least and largest value, and the share of zeros."""

    mean: float
    deviation: float
    least: float
    most: float
    zeros: float

    @classmethod
    def of(cls, values: np.ndarray) -> Statistics:
        """Those of all values, in float64."""
        wide = values.astype(np.float64)
        return cls(
            mean=float(wide.mean()),
            deviation=float(wide.std()),
            least=float(wide.min()),
            most=float(wide.max()),
            zeros=float((wide == 0).mean()),
        )


def activations(kid: Kid, batch: Batch | Fields, globs: Iterable[str], *, training: bool) -> Arrays:
    """What the blocks that match give for a batch, by name, each (rows, …)."""
    found, fields = chosen(named(kid.graph), globs), _fields(batch)
    rows = kid.graph.rows
    if training and rows and len(next(iter(fields.values()))) != rows:
        raise DataError(
            f"This Brain carries values from batch to batch, each of {rows} rows: in training it takes as many."
        )
    targets = [value for values in found.values() for value in values]
    arrays = iter(kid.network.values(fields, targets, training=training, step=kid.state.step))
    return {name: _joined([next(arrays) for _ in values], name, values) for name, values in found.items()}


def gradients(kid: Kid, batch: Batch | Fields, globs: Iterable[str]) -> Arrays:
    """The gradient of the objective by the parameters and by the values that match, by name."""
    globs, known = tuple(globs), named(kid.graph)
    needed = {call.path for call in kid.graph.practised if not isinstance(call.layer, Loss | Metric)}
    blocks = {name: values for name, values in known.items() if needed.issuperset(each.source for each in values)}
    params = [path for path in kid.graph.trained if not globs or matches(path, globs)]
    wanted = {name: values for name, values in blocks.items() if globs and matches(name, globs)}
    for glob in globs:
        if not any(matches(name, [glob]) for name in (*params, *wanted)):
            raise _unknown(glob, [*kid.graph.trained, *blocks])
    found = kid.strategy.gradients(
        _batch(batch), kid.state.step, [value for values in wanted.values() for value in values]
    )
    by_value = {name: _joined([found[str(value)] for value in values], name, values) for name, values in wanted.items()}
    return {path: found[path] for path in params} | by_value


def propagate(kid: Kid, given: Fields, targets: Iterable[str]) -> Arrays:
    """The targets by name, from what is given: inputs, fields, or outputs of blocks; nothing before them runs."""
    graph, blocks = kid.graph, named(kid.graph)
    fields, injected = dict[str, np.ndarray](), dict[Value, np.ndarray]()
    for name, array in given.items():
        if name in graph.inputs or name in graph.fields or name == Batch.WEIGHTS:
            fields[name] = np.asarray(array)
            continue
        for value, part in _parts(name, one(blocks, name), np.asarray(array)):
            injected[value] = part
    _check(graph, {**{Value(name): array for name, array in fields.items() if name != Batch.WEIGHTS}, **injected})
    found = chosen(blocks, targets)
    wanted = [value for values in found.values() for value in values]
    missing = _missing(graph, wanted, fields, injected)
    if missing:
        raise DataError(
            f"To compute {', '.join(found)} from {', '.join(given) or 'nothing'} takes {missing} too: give it, or a "
            "value that lies between."
        )
    arrays = iter(kid.network.values(fields, wanted, given=injected))
    return {name: _joined([next(arrays) for _ in values], name, values) for name, values in found.items()}


def named(graph: Graph) -> dict[str, tuple[Value, ...]]:
    """Everything that can be looked at: what calls give, by their path (`split:1` for a further output).

    The calls of a block in an Unroll are one entry, under its own path; Systems stand for their outputs, losses for the
    value of each row.
    """
    found: dict[str, list[Value]] = {}
    for call in graph.calls:
        if not isinstance(call.layer, INTERNAL) and call.layer.name != BORDER:
            for value in (Value(call.path, output) for output in range(len(call.out_specs))):
                found.setdefault(whole(str(value)), []).append(value)
    losses = {call.path: (Value(call.path),) for call in graph.losses}
    return {**{name: tuple(values) for name, values in found.items()}, **graph.systems, **losses}


def chosen(known: Named, globs: Iterable[str]) -> dict[str, tuple[Value, ...]]:
    """Those that match, in their order. Raises `UnknownNameError` for a glob that matches nothing."""
    globs = tuple(globs)
    if not globs:
        raise UsageError("Say what to look at, by the paths of blocks or globs of them: 'conv1', 'stage2/*', '*'.")
    for glob in globs:
        if not any(matches(name, [glob]) for name in known):
            raise _unknown(glob, known)
    return {name: values for name, values in known.items() if matches(name, globs)}


def one(known: Named, name: str) -> tuple[Value, ...]:
    """The values of one name."""
    if name not in known:
        raise _unknown(name, known)
    return known[name]


def _unknown(name: str, known: Iterable[str]) -> UnknownNameError:
    known = list(known)
    return UnknownNameError(f"Nothing is called {name!r}.{nearest(name, known)} There are: {listed(known)}.")


def _joined(arrays: list[np.ndarray], name: str, values: tuple[Value, ...]) -> np.ndarray:
    """The values of all steps along a new axis 1, or, of an Unroll in an Unroll, two; of no steps the value itself."""
    if not _stepped(name, values):
        return arrays[0]
    stacked = np.stack(arrays, axis=1)
    return stacked.reshape(len(stacked), *_sizes(values), *stacked.shape[2:])


def _sizes(values: tuple[Value, ...]) -> tuple[int, ...]:
    """The number of steps of each Unroll around, the outermost first: those of the last value, which count from 0."""
    steps = str(values[-1]).partition(":")[0].split("@")[1:]
    return tuple(int(step) + 1 for step in steps)


def _stepped(name: str, values: tuple[Value, ...]) -> bool:
    """Whether a name stands for the values of a block at the steps of an Unroll."""
    return whole(str(values[0])) == name != str(values[0])


def _parts(name: str, values: tuple[Value, ...], array: np.ndarray) -> list[tuple[Value, np.ndarray]]:
    """The opposite of `_joined`."""
    if not _stepped(name, values):
        return [(values[0], array)]
    sizes = _sizes(values)
    if array.shape[1 : 1 + len(sizes)] != sizes:
        steps = ", ".join(map(str, sizes))
        raise DataError(
            f"{name!r} has {steps} steps, and was given as {array.shape}: give (rows, {steps}, …), as kid.activations "
            "does."
        )
    flat = array.reshape(len(array), len(values), *array.shape[1 + len(sizes) :])
    return [(value, flat[:, step]) for step, value in enumerate(values)]


def _check(graph: Graph, given: Mapping[Value, np.ndarray]) -> None:
    """Raise `DataError` for a value that is not as its spec says, and for values of different numbers of rows."""
    first = next(iter(given), None)
    for value, array in given.items():
        spec = graph.spec(value)
        sizes = zip(array.shape[1:], spec.shape[1:], strict=False)
        if array.ndim != spec.rank or any(isinstance(wanted, int) and size != wanted for size, wanted in sizes):
            raise DataError(
                f"{str(value)!r} is {spec}, {spec.shape[0]} being the rows, and was given as {array.shape}."
            )
        if first is not None and len(array) != len(given[first]):
            raise DataError(
                f"Give as many rows of each: {str(value)!r} has {len(array)}, and {str(first)!r} {len(given[first])}."
            )


def _fields(batch: Batch | Fields) -> dict[str, np.ndarray]:
    if isinstance(batch, Batch):
        return {**batch.fields, Batch.WEIGHTS: batch.weights}
    fields = {name: np.asarray(values) for name, values in batch.items()}
    rows = max((len(values) for values in fields.values() if values.ndim), default=0)
    return {Batch.WEIGHTS: np.ones(rows, np.float32)} | fields


def _batch(batch: Batch | Fields) -> Batch:
    """A batch of rows that count alike, unless it is one."""
    if isinstance(batch, Batch):
        return batch
    fields = _fields(batch)
    weights = fields.pop(Batch.WEIGHTS)
    return Batch(fields, weights, np.arange(len(weights)), np.arange(len(weights)))


def _missing(graph: Graph, wanted: list[Value], fields: Fields, injected: Mapping[Value, np.ndarray]) -> str:
    """The first field that is needed and not given; empty where all are there."""
    needed = (value for call in graph.needed(wanted, injected) for value in call.inputs if value not in injected)
    made = graph.by_path
    return next((value.source for value in needed if value.source not in made and value.source not in fields), "")
