"""Native layers against the referee, NumPy in float64: sizes odd and even, strides, paddings, ties, odd settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Plan
from akid_core.specs.layer import Layer
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.layers import Trial, compare_forward, compare_gradients, compare_updates, referee
from akid_core.testing.referee import FLOAT32, FLOAT64
from akid_tf.backend import TensorflowBackend
from akid_tf.layers.pointwise import LiveLeakyReLU
from akid_tf.live import LiveLayer

Inputs = tuple[np.ndarray, ...] | None


def image(channels: int, height: int, width: int) -> tuple[TensorSpec, ...]:
    return (TensorSpec(("N", channels, height, width), "float32", "NCHW"),)


ROWS = (TensorSpec(("N", 4), "float32", "NC"),)
LABELLED = (TensorSpec(("N", 4), "float32", "NC"), TensorSpec(("N",), "int64", "N"))
TIES = (np.random.default_rng(5).integers(-1, 2, (5, 3, 7, 6)).astype(np.float32),)
NEGATIVE = (-1.0 - np.random.default_rng(6).random((5, 2, 5, 5)).astype(np.float32),)

CASES: dict[str, tuple[Layer, tuple[TensorSpec, ...], Inputs]] = {
    "conv": (L.Conv2d(channels=5, kernel=3), image(2, 7, 6), None),
    "conv same": (L.Conv2d(channels=4, kernel=(2, 5), padding="same"), image(3, 6, 9), None),
    "conv same stride": (L.Conv2d(channels=4, kernel=3, stride=2, padding="same"), image(3, 7, 8), None),
    "conv same stride 2": (L.Conv2d(channels=4, kernel=(5, 2), stride=(2, 3), padding="same"), image(1, 8, 7), None),
    "conv lopsided": (L.Conv2d(channels=2, kernel=3, padding=((0, 2), (1, 0)), bias=False), image(2, 5, 5), None),
    "conv groups": (L.Conv2d(channels=6, kernel=3, padding=1, stride=2, groups=2), image(4, 6, 7), None),
    "conv depthwise": (L.Conv2d(channels=6, kernel=3, groups=3), image(3, 5, 6), None),
    "dilated": (L.Conv2d(channels=3, kernel=3, dilation=2, padding="same"), image(2, 7, 8), None),
    "dilated, strided": (L.Conv2d(channels=3, kernel=2, dilation=(3, 1), stride=2, padding=1), image(2, 8, 7), None),
    "max": (L.MaxPool2d(kernel=2), image(3, 7, 6), None),
    "max, ties": (L.MaxPool2d(kernel=3, stride=2, padding="same"), image(3, 7, 6), TIES),
    "max, all negative, padded": (L.MaxPool2d(kernel=3, stride=2, padding=((1, 0), (2, 1))), image(2, 5, 5), NEGATIVE),
    "average": (L.AvgPool2d(kernel=(2, 3)), image(3, 7, 6), None),
    "average same": (L.AvgPool2d(kernel=3, stride=2, padding="same"), image(3, 7, 6), None),
    "average lopsided": (L.AvgPool2d(kernel=3, stride=(1, 2), padding=((0, 2), (1, 0))), image(2, 5, 6), None),
    "global average": (L.GlobalAvgPool2d(), image(3, 5, 4), None),
    "dense": (L.Dense(units=3), ROWS, None),
    "dense, three axes": (L.Dense(units=3, bias=False), (TensorSpec(("N", 5, 4), "float32"),), None),
    "relu at 0": (L.ReLU(), image(3, 7, 6), TIES),
    "dropout": (L.Dropout(rate=0.4), image(3, 5, 4), None),
    "concat": (L.Concat(axis=2), image(2, 3, 4) + image(2, 5, 4), None),
    "cross-entropy": (L.SoftmaxCrossEntropy(weight=0.5), LABELLED, None),
    "cross-entropy, smoothed": (L.SoftmaxCrossEntropy(smoothing=0.1, class_weights=(1, 2, 0, 1)), LABELLED, None),
    "norm": (L.BatchNorm(decay=0.7), image(3, 4, 5), None),
    "norm, tiny epsilon": (L.BatchNorm(epsilon=1e-6, shift=False), image(3, 4, 5), None),
    "norm of rows": (L.BatchNorm(scale=False), ROWS, None),
    "norm of lines": (L.BatchNorm(), (TensorSpec(("N", 4, 6)),), None),
    "norm of solids": (L.BatchNorm(shift=False), (TensorSpec(("N", 2, 3, 4, 5)),), None),
    "leaky": (L.LeakyReLU(), ROWS, None),
    "slopes at 0": (L.PReLU(), image(3, 7, 6), TIES),
    "softmax": (L.Softmax(axis=1), image(3, 4, 5), None),
    "groups": (L.GroupNorm(groups=2), image(4, 4, 5), None),
    "layer": (L.LayerNorm(axis=(1, 3)), image(3, 4, 5), None),
    "root mean square": (L.RMSNorm(), ROWS, None),
    "maxout, ties": (L.Maxout(group_size=3, axis=-1), image(3, 7, 6), TIES),
    "maxout of many": (L.Maxout(group_size=9), image(9, 2, 3), None),
    "split": (L.Split(parts=(1, 2)), image(3, 7, 6), None),
    "embedding": (L.Embedding(entries=2, units=3), (TensorSpec(("N", 5), "uint8"),), None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_referee(backend: TensorflowBackend, name: str) -> None:
    layer, specs, inputs = CASES[name]
    for precision, forward, backward in ((FLOAT64, 1e-12, 1e-10), (FLOAT32, 1e-5, 1e-4)):
        settings: dict[str, Any] = {"precision": precision, "inputs": inputs}
        errors = compare_forward(backend, layer, specs, **settings)
        assert max(errors.values()) <= forward, errors
        errors = compare_gradients(backend, layer, specs, **settings)
        assert max(errors.values()) <= backward, errors
        if isinstance(layer, L.BatchNorm):
            errors = compare_updates(backend, layer, specs, **settings)
            assert len(errors) == 2
            assert max(errors.values()) <= forward, errors


def built(backend: TensorflowBackend, layer: Layer, specs: tuple[TensorSpec, ...], precision: Precision) -> LiveLayer:
    """The module that the backend makes of a layer."""
    graph = Trial(layer=layer, in_specs=specs).plain(precision)
    network: Any = backend.network(graph, Plan(backend="tensorflow"), 0)
    module: LiveLayer = network.module.layers["layer"]
    return module


def test_which_layers_are_native(backend: TensorflowBackend) -> None:
    """A wrong turn to the portable form would agree with the referee and be slow."""
    portable = {
        name for name, (layer, specs, _) in CASES.items() if type(built(backend, layer, specs, FLOAT32)) is LiveLayer
    }
    assert portable == {"dense, three axes", "cross-entropy, smoothed", "maxout of many", "embedding"}
    leaky, rows, _ = CASES["leaky"]
    assert not isinstance(built(backend, leaky, rows, FLOAT64), LiveLeakyReLU)
    norm, specs, _ = CASES["norm"]
    assert type(built(backend, norm, specs, FLOAT64)) is LiveLayer
    assert type(built(backend, norm, specs, Precision("float32", "float32", "float64"))) is LiveLayer


def test_a_subclass_runs_by_its_own_definition(backend: TensorflowBackend) -> None:
    """The builder of `conv2d` knows `akid_core.layers.Conv2d` and not a stranger's class of the same name."""

    class Conv2d(L.Conv2d):
        def forward(self, context: Any, x: Any) -> Any:
            return super().forward(context, x) * 2.0

    assert Conv2d.component() == "conv2d"
    errors = compare_forward(backend, Conv2d(channels=2, kernel=2), image(1, 4, 4), precision=FLOAT64)
    assert max(errors.values()) <= 1e-12


def test_one_value_has_no_variance(backend: TensorflowBackend) -> None:
    """Normalising a single value gives the shift, and running statistics that are numbers."""
    trial = Trial(layer=L.BatchNorm(decay=0.5), in_specs=image(2, 1, 1), batch=1)
    updates = trial.updates(backend, FLOAT32)
    x, start = trial.fields["input0"].reshape(2), trial.params
    np.testing.assert_allclose(updates["mean"], 0.5 * start["mean"] + 0.5 * x, rtol=1e-6)
    np.testing.assert_allclose(updates["variance"], 0.5 * start["variance"], rtol=1e-6)
    (output,) = trial.forward(backend, FLOAT32, training=True)
    np.testing.assert_allclose(output.reshape(2), start["shift"], rtol=1e-6)


def test_a_label_without_a_class(backend: TensorflowBackend) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    labels = np.array([0, 4, -1, 3])
    trial = Trial(layer=L.SoftmaxCrossEntropy(), in_specs=LABELLED, batch=4, inputs=(logits, labels))
    values = trial.forward(backend, FLOAT32)[0]
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, False])
    np.testing.assert_allclose(values[[0, 3]], trial.forward(referee(), FLOAT64)[0][[0, 3]], rtol=1e-5)


@pytest.mark.parametrize("specs", [image(3, 5, 4), ROWS], ids=["image", "rows"])
def test_dropout_masks_are_the_referees_to_the_bit(backend: TensorflowBackend, specs: tuple[TensorSpec, ...]) -> None:
    trial = Trial(layer=L.Dropout(rate=0.4), in_specs=specs)
    for step in (0, 12345):
        (wanted,) = trial.forward(referee(), FLOAT64, training=True, step=step)
        (found,) = trial.forward(backend, FLOAT64, training=True, step=step)
        np.testing.assert_array_equal(found, wanted)


def test_calls_have_paths(backend: TensorflowBackend) -> None:
    """An error inside a layer says in which block it happened."""

    class Broken(L.ReLU):
        def forward(self, context: Any, x: Any) -> Any:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken") as caught:
        Trial(layer=Broken(), in_specs=ROWS).forward(backend, FLOAT32)
    assert any("block layer with inputs float32[N, 4]" in note for note in caught.value.__notes__)
