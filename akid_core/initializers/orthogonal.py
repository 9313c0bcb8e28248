"""Orthogonal matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.initializers.base import Initializer
from akid_core.initializers.draw import normal
from akid_core.random import Key
from akid_core.specs.parameter import ParamSpec


@dataclass(frozen=True, kw_only=True)
class Orthogonal(Initializer):
    """A random orthogonal matrix times `gain`: with the axis of the outputs on one side and all others on the other.

    The rows or the columns, whichever are fewer, are orthonormal. Takes parameters of two axes or more. Source: Saxe
    et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014; uniform over
    all such matrices by the sign rule of Mezzadri, "How to generate random matrices from the classical compact
    groups", 2007.
    """

    gain: float = 1.0

    def values(self, spec: ParamSpec, key: Key) -> np.ndarray:
        if len(spec.shape) < 2:
            raise ValueError(f"an orthogonal start needs two axes or more, and {spec.name!r} has shape {spec.shape}")
        out = spec.axes.find("O") if "O" in spec.axes else 0
        sizes = (spec.shape[out], *spec.shape[:out], *spec.shape[out + 1 :])
        rows, columns = sizes[0], spec.size // sizes[0]
        q, r = np.linalg.qr(normal((max(rows, columns), min(rows, columns)), key, 1.0))
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        matrix = q if rows >= columns else q.T
        return np.moveaxis(matrix.reshape(sizes), 0, out) * self.gain
