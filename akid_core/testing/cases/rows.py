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


RANDOM = np.random.default_rng(14)
TIES = RANDOM.integers(-1, 2, (5, 3, 4, 5)).astype(np.float32)
ZEROS_IN = TIES * (RANDOM.random((5, 1, 4, 5)) > 0.3).astype(np.float32)
"""Images, some of whose places are 0 in all channels."""


def on(layer: Layer, *in_specs: TensorSpec, inputs: tuple[np.ndarray, ...] | None = None) -> Trial:
    return Trial(layer=layer, in_specs=in_specs, inputs=inputs)


def far(layer: Layer) -> Trial:
    return on(layer, TensorSpec(("N", FAR.shape[1]), "float32", "NC"), inputs=(FAR,))


TRIALS = (
    on(L.Dense(units=3), VECTOR),
    on(L.Dense(units=1, bias=False), TensorSpec(("N", 5, 4))),
    on(L.Dense(units=1), TensorSpec(("N", 1, 4, 6))),
    on(L.ReLU(), VECTOR),
    on(L.ReLU6(), IMAGE, inputs=(TIES * 6,)),
    on(L.Tanh(), IMAGE),
    far(L.Tanh()),
    on(L.Sigmoid(), IMAGE),
    far(L.Sigmoid()),
    on(L.BatchNorm(scale=False, epsilon=1e-6), VECTOR),
    on(L.BatchNorm(shift=False), TensorSpec(("N", 6, 3))),
    on(L.LayerNorm(), VECTOR),
    on(L.LayerNorm(axis=(1, 2, 3), shift=False), IMAGE),
    on(L.LayerNorm(axis=1, scale=False), IMAGE),
    on(L.GroupNorm(groups=2), TensorSpec(("N", 4, 3, 5), "float32", "NCHW")),
    on(L.GroupNorm(groups=3, scale=False, shift=False), TensorSpec(("N", 6, 4))),
    on(L.RMSNorm(), TensorSpec(("N", 3, 6))),
    on(L.RMSNorm(axis=(1, 2), scale=False), TensorSpec(("N", 3, 6))),
    on(L.L2Normalize(), VECTOR),
    on(L.L2Normalize(axis=1), IMAGE, inputs=(ZEROS_IN,)),
    on(L.Dropout(rate=0.25), VECTOR),
    on(L.LeakyReLU(), VECTOR),
    on(L.LeakyReLU(negative_slope=0.3), IMAGE, inputs=(TIES,)),
    on(L.PReLU(), IMAGE, inputs=(TIES,)),
    on(L.PReLU(shared=True), VECTOR),
    on(L.GELU(), IMAGE),
    far(L.GELU()),
    on(L.GELU(approximate="tanh"), VECTOR),
    far(L.GELU(approximate="tanh")),
    on(L.SiLU(), IMAGE),
    far(L.SiLU()),
    on(L.Softmax(), VECTOR),
    on(L.Softmax(axis=1), IMAGE),
    far(L.Softmax()),
    on(L.Maxout(group_size=2), TensorSpec(("N", 6, 3, 4), "float32", "NCHW")),
    on(L.Maxout(group_size=5, axis=-1), IMAGE, inputs=(TIES,)),
    on(L.MeanOut(group_size=2), TensorSpec(("N", 6))),
    on(L.Flatten(), TensorSpec(("N", 3, 2))),
    on(L.Reshape(shape=(5, -1)), IMAGE),
    on(L.Reshape(shape=(2, 2, 1)), VECTOR),
    on(L.Transpose(axes=(3, 1, 2)), IMAGE),
    on(L.Transpose(axes=(2, 1)), TensorSpec(("N", 3, 2))),
    on(L.Split(parts=2), TensorSpec(("N", 4, 3, 5), "float32", "NCHW")),
    on(L.Split(parts=(1, 4), axis=3), IMAGE),
    on(L.Slice(start=1), IMAGE),
    on(L.Slice(axis=-1, start=-4, stop=-1, step=2), IMAGE),
    on(L.Fill(value=0.9), IMAGE),
    on(L.Unstack(), TensorSpec(("N", 3, 4), "float32", "NTC")),
    on(L.Unstack(axis=3), IMAGE),
    on(L.Stack(), VECTOR, VECTOR, VECTOR),
    on(L.Stack(axis=2), IMAGE, IMAGE),
    on(L.Multiply(), IMAGE, IMAGE),
    on(L.Add(), IMAGE, IMAGE, IMAGE),
    on(L.Concat(), IMAGE, IMAGE),
    on(L.Concat(axis=-1), VECTOR, VECTOR.with_shape("N", 2), VECTOR),
)
