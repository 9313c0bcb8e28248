"""Prediction: the outputs of a Brain for rows without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from akid_core.backends.contract import Network
from akid_core.errors import DataError, suggest
from akid_core.graph.resolved import Graph
from akid_core.specs.tensor import TensorSpec


def predict(
    network: Network, graph: Graph, inputs: np.ndarray | Mapping[str, np.ndarray], batch_size: int
) -> np.ndarray | dict[str, np.ndarray]:
    """Outputs for all rows, computed `batch_size` rows at a time. Raises `DataError` for inputs that do not fit."""
    fields = _named(graph, inputs)
    lengths = {name: len(values) for name, values in fields.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise DataError(f"The inputs differ in their number of rows: {listed}.")
    targets = list(graph.outputs.values())
    parts = [
        network.values({name: values[start : start + batch_size] for name, values in fields.items()}, targets)
        for start in range(0, max(lengths.values()) or 1, batch_size)
    ]
    joined = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return joined[0] if len(joined) == 1 else dict(zip(graph.outputs, joined, strict=True))


def _named(graph: Graph, inputs: Any) -> dict[str, np.ndarray]:
    """The inputs that the outputs depend on, by name, each checked against its spec."""
    known = ", ".join(map(repr, graph.asked))
    if not isinstance(inputs, Mapping):
        if len(graph.asked) != 1:
            raise DataError(f"This brain has several inputs ({known}): give a mapping by name.")
        inputs = {next(iter(graph.asked)): inputs}
    for name in inputs:
        if name not in graph.inputs:
            raise DataError(f"{name!r} is not an input of this brain.{suggest(name, graph.inputs)} It takes {known}.")
    for name in graph.asked:
        if name not in inputs:
            raise DataError(f"Input {name!r} is missing; this brain takes {known}.")
    return {name: _fitting(name, np.asarray(inputs[name]), spec) for name, spec in graph.asked.items()}


def _fitting(name: str, values: np.ndarray, spec: TensorSpec) -> np.ndarray:
    """The values, if they are of the spec's shape and of a type that it can hold."""
    sizes = zip(spec.shape[1:], values.shape[1:], strict=False)
    if values.ndim != spec.rank or any(isinstance(size, int) and size != given for size, given in sizes):
        raise DataError(
            f"Input {name!r} has shape {values.shape}; {spec} is wanted, {spec.shape[0]} being the rows. Rows as the "
            "source gives them are prepared first: `akid predict --raw`, or `kid.prepare`."
        )
    if values.dtype.kind not in ("biuf" if spec.floating else "biu"):
        raise DataError(f"Input {name!r} is of type {values.dtype}; {spec} is wanted.")
    return values
