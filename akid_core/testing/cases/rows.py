"""Layers that work on any shape: element by element, along an axis, or joining several inputs."""

from __future__ import annotations

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import Trial

VECTOR = TensorSpec(("N", 4), "float32", "NC")
IMAGE = TensorSpec(("N", 3, 4, 5), "float32", "NCHW")
FAR = np.array([[-200.0, -90.0, -20.0, -6.0, -0.5, 0.0, 1e-4, 3.0, 30.0, 100.0, 300.0]] * 5, np.float32)
"""Values at which exponentials overflow or vanish."""


def on(layer: Layer, *in_specs: TensorSpec, inputs: tuple[np.ndarray, ...] | None = None) -> Trial:
    return Trial(layer=layer, in_specs=in_specs, inputs=inputs)


def far(layer: Layer) -> Trial:
    return on(layer, TensorSpec(("N", FAR.shape[1]), "float32", "NC"), inputs=(FAR,))


TRIALS = (
    on(L.Dense(units=3), VECTOR),
    on(L.Dense(units=1, bias=False), TensorSpec(("N", 5, 4))),
    on(L.ReLU(), VECTOR),
    on(L.Tanh(), IMAGE),
    far(L.Tanh()),
    on(L.Sigmoid(), IMAGE),
    far(L.Sigmoid()),
    on(L.BatchNorm(scale=False, epsilon=1e-6), VECTOR),
    on(L.BatchNorm(shift=False), TensorSpec(("N", 6, 3))),
    on(L.Dropout(rate=0.25), VECTOR),
    on(L.Flatten(), TensorSpec(("N", 3, 2))),
    on(L.Add(), IMAGE, IMAGE, IMAGE),
    on(L.Concat(), IMAGE, IMAGE),
    on(L.Concat(axis=-1), VECTOR, VECTOR.with_shape("N", 2), VECTOR),
)
