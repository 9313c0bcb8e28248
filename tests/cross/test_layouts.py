"""Layers behind a convolution, where native backends keep images channels last: values and gradients of the referee."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch
from akid_core.graph.resolved import Value
from akid_core.specs.layer import Layer
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import difference

for package in ("torch", "tensorflow"):
    pytest.importorskip(package)

LAYERS: dict[str, Layer] = {
    "leaky": L.LeakyReLU(negative_slope=0.25),
    "slopes": L.PReLU(),
    "slope": L.PReLU(shared=True),
    "gelu": L.GELU(),
    "silu": L.SiLU(),
    "softmax": L.Softmax(),
    "softmax_of_channels": L.Softmax(axis=1),
    "maxout": L.Maxout(group_size=2),
    "maxout_of_columns": L.Maxout(group_size=5, axis=-1),
    "mean_out": L.MeanOut(group_size=3),
    "batch": L.BatchNorm(),
    "layer": L.LayerNorm(),
    "layer_of_channels": L.LayerNorm(axis=1, scale=False),
    "layer_of_some": L.LayerNorm(axis=(1, 3)),
    "layer_of_all": L.LayerNorm(axis=(1, 2, 3)),
    "rms": L.RMSNorm(axis=(1, 2)),
    "groups": L.GroupNorm(groups=2),
    "instances": L.GroupNorm(groups=6, scale=False),
    "length": L.L2Normalize(axis=1),
    "length_of_some": L.L2Normalize(axis=(1, 3)),
    "reshape": L.Reshape(shape=(4, -1)),
    "transpose": L.Transpose(axes=(2, 3, 1)),
    "parts": L.Split(parts=(1, 2, 3)),
    "rows": L.Split(parts=2, axis=2),
    "slice": L.Slice(start=1, step=2),
    "columns": L.Slice(axis=-1, start=-4, stop=-1),
}
IMAGE = TensorSpec(("N", 3, 6, 7), "float32", "NCHW")


def network(backend: str, dtype: str) -> Any:
    """A convolution, every layer behind it, and a loss that weighs all their outputs."""
    nodes = [layer.on("conv") for layer in (replace(layer, name=name) for name, layer in LAYERS.items())]
    gate = [L.Slice(axis=2, stop=1, name="gate").on("conv"), L.Multiply(name="gated").on("gate", "conv")]
    brain = akid.Brain.graph(
        L.Conv2d(channels=6, kernel=(1, 3), name="conv").on("image"), *nodes, *gate,
        inputs="image", outputs="gated", precision=Precision.of(dtype),
    )  # fmt: skip
    fields = {"image": IMAGE}
    for call in brain.resolve(fields).calls:
        for number, spec in enumerate(call.out_specs):
            target = f"{call.path}_{number}"
            fields[target] = replace(spec, dtype="float32")
            brain = brain.with_loss(L.MeanSquaredError(name=f"loss_{target}"), f"{call.path}:{number}", target)
    graph = brain.resolve(fields)
    made = akid.plugins.default_manager().registry.get("backend", backend)()
    plan = made.plan(Execution(layout=None if backend == "numpy" else "channels_last"), graph)
    live = made.network(graph, plan, 0)
    live.place("cpu")
    random = np.random.default_rng(0)
    live.fill({path: random.normal(size=spec.shape) for path, spec in graph.params.items() if spec.trained})
    return live, made.trainer(live, akid.SGD(), plan)


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize(("dtype", "near", "near_gradients"), [("float32", 1e-5, 1e-4), ("float64", 1e-12, 1e-10)])
def test_channels_last(backend: str, dtype: str, near: float, near_gradients: float) -> None:
    (ours, our_trainer), (wanted, trainer) = network(backend, dtype), network("numpy", "float64")
    random = np.random.default_rng(1)
    fields = {
        name: random.normal(size=(4, *spec.row)).astype(np.float32)
        for name, spec in {**wanted.graph.inputs, **wanted.graph.fields}.items()
    }
    targets = [Value(call.path, number) for call in wanted.graph.calls for number in range(len(call.out_specs))]
    for training in (False, True):
        found, expected = (live.values(fields, targets, training=training) for live in (ours, wanted))
        errors = {str(target): difference(*pair) for target, *pair in zip(targets, found, expected, strict=True)}
        assert max(errors.values()) <= near, errors
    batch = Batch(fields, np.ones(4, np.float32), np.arange(4), np.arange(4))
    found, expected = our_trainer.gradients(batch, 0), trainer.gradients(batch, 0)
    errors = {path: difference(found[path], expected[path]) for path in expected}
    assert max(errors.values()) <= near_gradients, errors
