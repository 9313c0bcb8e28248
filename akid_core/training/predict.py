"""Prediction: the outputs of a Brain for rows without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from akid_core.backends.contract import Network
from akid_core.errors import DataError, suggest
from akid_core.graph.resolved import Graph


def predict(
    network: Network, graph: Graph, inputs: np.ndarray | Mapping[str, np.ndarray], batch_size: int
) -> np.ndarray | dict[str, np.ndarray]:
    """Outputs for all rows, computed `batch_size` rows at a time."""
    fields = _named(graph, inputs)
    count = len(next(iter(fields.values())))
    targets = list(graph.outputs.values())
    parts: list[list[np.ndarray]] = []
    for start in range(0, max(count, 1), batch_size):
        batch = {name: values[start : start + batch_size] for name, values in fields.items()}
        parts.append(network.values(batch, targets))
    joined = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return joined[0] if len(joined) == 1 else dict(zip(graph.outputs, joined, strict=True))


def _named(graph: Graph, inputs: Any) -> dict[str, np.ndarray]:
    """The inputs by name, each checked against its spec."""
    if not isinstance(inputs, Mapping):
        if len(graph.inputs) != 1:
            raise DataError(f"This brain has several inputs ({', '.join(graph.inputs)}): give a mapping by name.")
        inputs = {next(iter(graph.inputs)): inputs}
    fields = {}
    for name in inputs:
        if name not in graph.inputs:
            raise DataError(f"{name!r} is not an input of this brain: {', '.join(graph.inputs)}.{suggest(name, graph.inputs)}")
    for name, spec in graph.inputs.items():
        if name not in inputs:
            raise DataError(f"Input {name!r} is missing; this brain takes {', '.join(graph.inputs)}.")
        values = np.asarray(inputs[name])
        if values.ndim != spec.rank or any(
            isinstance(size, int) and size != given for size, given in zip(spec.shape[1:], values.shape[1:], strict=True)
        ):
            raise DataError(f"Input {name!r} has shape {values.shape}; {spec} is wanted, the first dimension being the rows.")
        fields[name] = values
    lengths = {name: len(values) for name, values in fields.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The inputs differ in their number of rows: {lengths}.")
    return fields
