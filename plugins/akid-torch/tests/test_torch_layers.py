"""Native layers against their portable definitions in NumPy float64: values, gradients, running statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Plan
from akid_core.plugins import default_manager
from akid_core.specs.layer import Layer
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing import cases as canonical
from akid_core.testing.referee import FLOAT32, FLOAT64, Trial, compare_forward, compare_gradients, compare_updates
from akid_torch.backend import TorchBackend
from akid_torch.portable import Portable


def image(channels: int, height: int, width: int) -> TensorSpec:
    return TensorSpec(("N", channels, height, width), "float32", "NCHW")


ROW = TensorSpec(("N", 7), "float32", "NC")
LOGITS, LABELS = TensorSpec(("N", 4), "float32"), TensorSpec(("N",), "int64")


def convolutions() -> Iterator[tuple[Layer, tuple[TensorSpec, ...]]]:
    for padding in ("same", "valid", 1, ((0, 2), (1, 0))):
        for kernel, stride in ((3, 1), (3, 2), (2, 1), ((4, 3), (3, 2)), (1, 2)):
            for size in ((7, 8), (6, 5)):
                yield L.Conv2d(channels=4, kernel=kernel, stride=stride, padding=padding), (image(3, *size),)
    yield L.Conv2d(channels=4, kernel=3, padding="same", bias=False), (image(1, 5, 5),)
    yield L.Conv2d(channels=4, kernel=3, padding="same", dilation=2, groups=2), (image(6, 7, 6),)


def poolings() -> Iterator[tuple[Layer, tuple[TensorSpec, ...]]]:
    for kind in (L.MaxPool2d, L.AvgPool2d):
        for padding in ("same", "valid", ((0, 1), (1, 1))):
            for kernel, stride in ((2, None), (3, 2), (3, 1), ((2, 3), (1, 2)), (2, 3)):
                for size in ((7, 8), (6, 5)):
                    yield kind(kernel=kernel, stride=stride, padding=padding), (image(3, *size),)
        yield kind(kernel=3, stride=2, padding=2), (image(2, 6, 6),)
    yield L.GlobalAvgPool2d(), (image(3, 4, 5),)


CASES: list[tuple[Layer, tuple[TensorSpec, ...]]] = [
    *convolutions(),
    *poolings(),
    (L.Dense(units=5), (ROW,)),
    (L.Dense(units=5, bias=False), (TensorSpec(("N", 3, 7), "float32"),)),
    (L.BatchNorm(), (ROW,)),
    (L.BatchNorm(decay=0.7, epsilon=0.1), (image(3, 4, 5),)),
    (L.BatchNorm(scale=False), (image(2, 3, 3),)),
    (L.BatchNorm(shift=False), (ROW,)),
    (L.BatchNorm(scale=False, shift=False), (ROW,)),
    (L.ReLU(), (ROW,)),
    (L.Tanh(), (image(2, 3, 3),)),
    (L.Sigmoid(), (ROW,)),
    (L.Flatten(), (image(3, 4, 5),)),
    (L.LeakyReLU(negative_slope=0.2), (ROW,)),
    (L.PReLU(), (image(3, 4, 5),)),
    (L.PReLU(shared=True), (ROW,)),
    (L.GELU(), (ROW,)),
    (L.GELU(approximate="tanh"), (image(2, 3, 3),)),
    (L.SiLU(), (ROW,)),
    (L.Softmax(axis=1), (image(3, 4, 5),)),
    (L.LayerNorm(axis=(1, 3)), (image(3, 4, 5),)),
    (L.LayerNorm(scale=False), (ROW,)),
    (L.RMSNorm(axis=1), (image(3, 4, 5),)),
    (L.GroupNorm(groups=2, scale=False), (image(4, 4, 5),)),
    (L.GroupNorm(groups=4), (image(4, 4, 5),)),
    (L.Split(parts=(1, 2), axis=-1), (image(2, 4, 3),)),
    (L.Embedding(entries=2, units=3), (TensorSpec(("N", 5), "uint8"),)),
    (L.Embedding(entries=2, units=3, padding_index=1), (TensorSpec(("N",), "int32"),)),
    (L.Dropout(rate=0.4), (image(3, 4, 5),)),
    (L.Dropout(rate=0.0), (ROW,)),
    (L.Add(), (ROW, ROW)),
    (L.Concat(), (image(3, 4, 5), image(2, 4, 5))),
    (L.MultiHeadAttention(heads=2, causal=True), (TensorSpec(("N", 5, 6), "float32"),)),
    (L.LSTM(units=3, return_sequences=True), (TensorSpec(("N", 5, 6), "float32"),)),
    (L.GRU(units=3, reverse=True), (TensorSpec(("N", 5, 6), "float32"),)),
    (L.SoftmaxCrossEntropy(), (LOGITS, LABELS)),
    (L.SoftmaxCrossEntropy(), (LOGITS, TensorSpec(("N",), "int32"))),
    (L.SoftmaxCrossEntropy(smoothing=0.2, weight=0.5), (LOGITS, LABELS)),
    (L.SoftmaxCrossEntropy(class_weights=(1.0, 3.0, 0.0, 0.5)), (LOGITS, LABELS)),
    (L.SoftmaxCrossEntropy(smoothing=0.1), (LOGITS, LOGITS)),
    (L.MeanSquaredError(), (image(2, 3, 3), image(2, 3, 3))),
    (L.MeanSquaredError(weight=2.0), (TensorSpec(("N",), "float32"), TensorSpec(("N",), "float32"))),
]


def describe(case: Any) -> str:
    layer, specs = case
    return f"{layer!r}:{' '.join(map(str, specs))}"


@pytest.mark.parametrize("case", CASES, ids=describe)
@pytest.mark.parametrize(("precision", "forward", "gradient"), [(FLOAT32, 1e-5, 1e-4), (FLOAT64, 1e-10, 1e-10)])
def test_agrees_with_the_referee(case: Any, precision: Precision, forward: float, gradient: float) -> None:
    backend, (layer, in_specs) = TorchBackend(), case
    assert max(compare_forward(backend, layer, in_specs, precision=precision).values()) < forward
    assert max(compare_gradients(backend, layer, in_specs, precision=precision).values()) < gradient
    assert max(compare_updates(backend, layer, in_specs, precision=precision).values(), default=0.0) < forward


@pytest.mark.parametrize("labels", [LABELS, LOGITS])
def test_accuracy_agrees_with_the_referee(labels: TensorSpec) -> None:
    assert set(compare_forward(TorchBackend(), L.Accuracy(), (LOGITS, labels)).values()) == {0.0}


def test_every_declared_builder_builds_a_native_module() -> None:
    registry = default_manager().registry
    declared = {info.info.name for info in registry.infos("layer_builder", "torch") if info.info.backend == "torch"}
    """By the canonical cases: the builder of a layer makes a native module for one of them at least."""
    native = set()
    for name, trials in canonical.CASES.items():
        for trial in trials:
            network = TorchBackend().network(trial.plain(FLOAT32), Plan(backend="torch"), 0)
            (module,) = network.module.children()
            native |= {name} if type(module) is not Portable else set()
    assert native == declared - {"attach"}


def test_pooling_gives_a_tie_to_the_first_in_row_major_order() -> None:
    tied = np.tile(np.array([[1.0, 2.0, 2.0], [2.0, 0.0, 2.0], [0.0, 2.0, 1.0]], np.float32), (2, 3, 1, 1))
    for layer in (
        L.MaxPool2d(kernel=2, stride=1),
        L.MaxPool2d(kernel=3),
        L.MaxPool2d(kernel=3, stride=2, padding="same"),
    ):
        errors = compare_gradients(TorchBackend(), layer, (image(3, 3, 3),), inputs=(tied,), batch=2)
        assert max(errors.values()) < 1e-6


def test_kinks() -> None:
    zeros = np.zeros((2, 7), np.float32)
    errors = compare_gradients(TorchBackend(), L.ReLU(), (ROW,), inputs=(zeros,), batch=2)
    assert max(errors.values()) == 0.0


def test_group_norm_of_single_values() -> None:
    """Groups that hold one value each give the shift; the function around torch's kernel would refuse them."""
    layer, spec = L.GroupNorm(groups=3), image(3, 1, 1)
    trial = Trial(layer=layer, in_specs=(spec,), batch=1)
    (output,) = trial.forward(TorchBackend(), FLOAT32, training=True)
    np.testing.assert_allclose(output.reshape(3), trial.params["shift"], rtol=1e-4)


def test_batch_norm_of_single_values() -> None:
    for spec in (ROW, image(3, 1, 1)):
        errors = compare_updates(TorchBackend(), L.BatchNorm(), (spec,), batch=1)
        errors |= compare_forward(TorchBackend(), L.BatchNorm(), (spec,), batch=1)
        errors |= compare_gradients(TorchBackend(), L.BatchNorm(), (spec,), batch=1)
        assert max(errors.values()) < 1e-5


@pytest.mark.parametrize("label", [-100, -1, 4])
def test_a_label_that_names_no_class_is_no_number(label: int) -> None:
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    case = (TorchBackend(), L.SoftmaxCrossEntropy(), (LOGITS, LABELS))
    inputs = (logits, np.array([0, label, 3]))
    assert np.isnan(compare_forward(*case, inputs=inputs, batch=3)["output 0, training"])
    assert compare_gradients(*case, inputs=inputs, batch=3)["input0"] < 1e-6
