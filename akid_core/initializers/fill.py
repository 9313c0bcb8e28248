"""The initial values of a whole network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from akid_core.errors import GraphError
from akid_core.random import derive_key

if TYPE_CHECKING:
    from akid_core.graph.resolved import Graph


def initial_values(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """Every parameter by full path, canonical layout, in its own type: a function of (seed, path) for each.

    Raises `GraphError` where an initializer does not fit its parameter.
    """
    values = {}
    for path, spec in graph.params.items():
        try:
            drawn = spec.init.values(spec, derive_key(seed, "init", path))
        except ValueError as error:
            raise GraphError(f"The parameter {path!r} cannot start as {spec.init}: {error}.") from error
        if drawn.shape != spec.shape:
            raise GraphError(f"{spec.init} gave shape {drawn.shape} for the parameter {path!r} of shape {spec.shape}.")
        values[path] = drawn.astype(graph.precision.params if spec.dtype == "float" else spec.dtype)
    return values
