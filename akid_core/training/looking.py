"""Looking inside: values and gradients of a live Brain by name, and runs from any block to any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from akid_core.data.batch import Batch
from akid_core.errors import DataError, UnknownNameError
from akid_core.graph.globs import nearest
from akid_core.graph.lookup import listed
from akid_core.graph.resolved import Graph, Value, whole
from akid_core.layers.unrolled import INTERNAL
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
    found = chosen(named(kid.graph), globs)
    fields = _fields(batch)
    targets = [value for values in found.values() for value in values]
    arrays = iter(kid.network.values(fields, targets, training=training, step=kid.state.step))
    return {name: _joined([next(arrays) for _ in values], name, values) for name, values in found.items()}


def gradients(kid: Kid, batch: Batch, globs: Iterable[str]) -> Arrays:
    """The gradient of the objective by the parameters and by the values that match, by name."""
    globs, blocks = tuple(globs), named(kid.graph)
    params = [path for path in kid.graph.trained if not globs or matches(path, globs)]
    wanted = {name: values for name, values in blocks.items() if globs and matches(name, globs)}
    for glob in globs:
        if not any(matches(name, [glob]) for name in (*params, *wanted)):
            raise _unknown(glob, [*kid.graph.trained, *blocks])
    found = kid.strategy.gradients(batch, kid.state.step, [value for values in wanted.values() for value in values])
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

    The calls of a block in an Unroll are one entry, under its own path; Systems stand for their outputs.
    """
    found: dict[str, list[Value]] = {}
    for call in (*graph.calls, *graph.losses):
        if isinstance(call.layer, INTERNAL):
            continue
        for output in range(len(call.out_specs)):
            found.setdefault(whole(str(Value(call.path, output))), []).append(Value(call.path, output))
    return {**{name: tuple(values) for name, values in found.items()}, **graph.systems}


def chosen(known: Named, globs: Iterable[str]) -> dict[str, tuple[Value, ...]]:
    """Those that match, in their order. Raises `UnknownNameError` for a glob that matches nothing."""
    globs = tuple(globs)
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
    """The values of all steps along a new axis 1; of a block that has no steps the value itself."""
    return np.stack(arrays, axis=1) if _stepped(name, values) else arrays[0]


def _stepped(name: str, values: tuple[Value, ...]) -> bool:
    """Whether a name stands for the values of a block at the steps of an Unroll."""
    return whole(str(values[0])) == name != str(values[0])


def _parts(name: str, values: tuple[Value, ...], array: np.ndarray) -> list[tuple[Value, np.ndarray]]:
    """The opposite of `_joined`."""
    if not _stepped(name, values):
        return [(values[0], array)]
    if array.ndim < 2 or array.shape[1] != len(values):
        raise DataError(
            f"{name!r} has {len(values)} steps, and was given as {array.shape}: give (rows, {len(values)}, …), as "
            "kid.activations does."
        )
    return [(value, array[:, step]) for step, value in enumerate(values)]


def _fields(batch: Batch | Fields) -> dict[str, np.ndarray]:
    if isinstance(batch, Batch):
        return {**batch.fields, Batch.WEIGHTS: batch.weights}
    return {name: np.asarray(values) for name, values in batch.items()}


def _missing(graph: Graph, wanted: list[Value], fields: Fields, injected: Mapping[Value, np.ndarray]) -> str:
    """The first field that is needed and not given; empty where all are there."""
    needed = (value for call in graph.needed(wanted, injected) for value in call.inputs if value not in injected)
    made = graph.by_path
    return next((value.source for value in needed if value.source not in made and value.source not in fields), "")
