"""Native layers over sequences and images: which kernels run, and what they make of awkward cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from akid_core import layers as L
from akid_core.backends.plan import Plan
from akid_core.data.batch import Batch
from akid_core.graph.resolved import Value
from akid_core.specs.layer import Layer
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import FLOAT32, FLOAT64, Trial, compare_forward, compare_gradients, difference, referee
from akid_tf.backend import TensorflowBackend
from akid_tf.live import LiveLayer

RANDOM = np.random.default_rng(3)
IMAGE, LINE = (4, 7, 6), (4, 9)
TIES = {shape: RANDOM.integers(-2, 1, (5, *shape)).astype(np.float32) for shape in (IMAGE, LINE)}

CASES: list[tuple[Layer, tuple[int, ...]]] = [
    (L.Conv1d(channels=6, kernel=3, stride=2, padding=(2, 1), dilation=2, groups=2), LINE),
    (L.Conv1d(channels=8, kernel=4, stride=2, padding="same", groups=4, bias=False), LINE),
    (L.Conv2d(channels=8, kernel=3, padding="same", groups=4, stride=2), IMAGE),
    (L.Conv2d(channels=4, kernel=3, padding="same", groups=4, stride=(1, 2)), IMAGE),
    (L.Conv2d(channels=3, kernel=3, padding="same", dilation=2, stride=2), IMAGE),
    (L.Conv2d(channels=4, kernel=(1, 2), dilation=(1, 3), groups=2, padding=((0, 1), (2, 0))), IMAGE),
    (L.ConvTranspose2d(channels=3, kernel=4, stride=2, padding="same"), IMAGE),
    (L.ConvTranspose2d(channels=3, kernel=2, stride=3, padding="same"), IMAGE),
    (L.ConvTranspose2d(channels=6, kernel=(3, 2), stride=2, groups=2, padding=((2, 0), (0, 1))), IMAGE),
    (L.MaxPool1d(kernel=3, stride=2, padding=(2, 0)), LINE),
    (L.AvgPool1d(kernel=3, stride=2, padding="same"), LINE),
    (L.AvgPool1d(kernel=4, stride=3, padding=(3, 1)), LINE),
    (L.GlobalMaxPool1d(), LINE),
    (L.GlobalMaxPool2d(), IMAGE),
    (L.GlobalAvgPool1d(), LINE),
    (L.Pad(widths=(2, 1), value=-3.0), LINE),
    (L.Pad(widths=((2, 1), (0, 3))), IMAGE),
    (L.Upsample(factor=3), LINE),
    (L.Upsample(factor=(3, 2)), IMAGE),
    (L.Upsample(factor=2, method="bilinear"), LINE),
    (L.Upsample(factor=(2, 3), method="bilinear"), IMAGE),
    (L.LRN(depth_radius=2, alpha=0.3), IMAGE),
    (L.SpatialDropout(rate=0.4), IMAGE),
]  # fmt: skip


def specs(shape: tuple[int, ...]) -> tuple[TensorSpec, ...]:
    return (TensorSpec(("N", *shape), "float32", "NCL" if len(shape) == 2 else "NCHW"),)


def agrees(backend: TensorflowBackend, case: Any, precision: Precision, rows: int = 5) -> None:
    layer, shape = case
    forward, backward = (1e-5, 1e-4) if precision is FLOAT32 else (1e-12, 1e-10)
    trial: dict[str, Any] = {"inputs": (TIES[shape][:rows],), "batch": rows, "precision": precision}
    errors = compare_forward(backend, layer, specs(shape), **trial)
    assert max(errors.values()) <= forward, errors
    errors = compare_gradients(backend, layer, specs(shape), **trial)
    assert max(errors.values()) <= backward, errors


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_agrees_with_the_referee(backend: TensorflowBackend, case: Any) -> None:
    agrees(backend, case, FLOAT32)


@pytest.mark.parametrize("case", CASES[:6], ids=repr)
def test_types_without_gradients_of_groups_and_dilation(backend: TensorflowBackend, case: Any) -> None:
    agrees(backend, case, FLOAT64)


@pytest.mark.parametrize("case", [CASES[2], CASES[8], CASES[9], CASES[13]], ids=repr)
def test_batches_without_rows(backend: TensorflowBackend, case: Any) -> None:
    """TensorFlow's convolution would give the shape of its input, and the gradient of its pooling end the process."""
    agrees(backend, case, FLOAT32, rows=0)


def module(backend: TensorflowBackend, layer: Layer, shape: tuple[int, ...], precision: Precision = FLOAT32) -> Any:
    """The module that the backend makes of a layer."""
    network: Any = backend.network(
        Trial(layer=layer, in_specs=specs(shape)).plain(precision), Plan(backend="tensorflow"), 0
    )
    return network.module.layers["layer"]


def test_which_layers_are_native(backend: TensorflowBackend) -> None:
    assert not [layer for layer, shape in CASES if type(module(backend, layer, shape)) is LiveLayer]
    for layer, shape, precision in (
        (L.ConvTranspose2d(channels=2, kernel=2, dilation=2), IMAGE, FLOAT32),
        (L.Upsample(method="bilinear"), IMAGE, FLOAT64),
        (L.LRN(), IMAGE, FLOAT64),
        (L.LRN(), LINE, FLOAT32),
    ):
        assert type(module(backend, layer, shape, precision)) is LiveLayer


@pytest.mark.parametrize(("groups", "dilation"), [(2, 1), (4, 1), (1, 2), (2, 2)])
def test_gradients_outside_of_graphs(backend: TensorflowBackend, groups: int, dilation: int) -> None:
    """A user who calls the live Brain in eager mode meets kernels that know fewer gradients."""
    layer = L.Conv2d(channels=4, kernel=3, padding="same", stride=2, groups=groups, dilation=dilation)
    trial = Trial(layer=layer, in_specs=specs(IMAGE))
    network: Any = backend.network(trial.plain(FLOAT32), Plan(backend="tensorflow"), 0)
    network.place("cpu")
    network.fill({f"layer/{name}": value for name, value in trial.params.items()})
    weight, cotangent = network.native("layer/weight"), trial.fields["cotangent0"]
    step = tf.zeros([1], tf.int32)
    with tf.GradientTape() as tape:
        fields = {"input0": tf.constant(trial.fields["input0"])}
        forward = network.forward(network.graph.needed([Value("layer")]), fields, training=True, step=step)
        rows = tf.reduce_sum(forward[Value("layer")] * cotangent, (1, 2, 3))
        weights = tf.constant(trial.fields[Batch.WEIGHTS])
        objective = tf.reduce_sum(rows * weights) / tf.reduce_sum(weights)
    gradient = network.parameter("layer/weight").canonical(tape.gradient(objective, weight))
    assert difference(gradient, trial.gradients(referee(), FLOAT64)["weight"]) < 1e-5


def test_repeating_has_a_gradient_under_xla(backend: TensorflowBackend) -> None:
    """XLA knows no gradient of TensorFlow's own operation."""
    live = module(backend, L.Upsample(factor=(3, 2)), IMAGE)

    @tf.function(jit_compile=True)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = live(None, x)
        return tape.gradient(out, x)

    np.testing.assert_array_equal(gradient(tf.ones((2, 7, 6, 4))), np.full((2, 7, 6, 4), 6.0))
