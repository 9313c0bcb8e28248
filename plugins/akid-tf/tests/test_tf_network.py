"""A live network: parameters in and out, layouts inside, evaluation."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch
from akid_core.errors import DataError, UnknownNameError, UsageError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Graph, Value
from akid_core.testing.layers import referee
from akid_core.testing.referee import difference
from akid_tf.backend import TensorflowBackend
from akid_tf.runtime import tf

IMAGES = np.random.default_rng(0).normal(size=(5, 2, 8, 8)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1])
WEIGHTS = np.array([1, 0.5, 2, 1, 0], np.float32)
BATCH = Batch({"image": IMAGES, "label": LABELS}, WEIGHTS, np.arange(5), np.arange(5))
PATHS = [
    "conv1/weight", "conv1/bias", "norm/scale", "norm/shift", "norm/mean", "norm/variance",
    "logits/weight", "logits/bias",
]  # fmt: skip


def test_it_is_a_module_of_variables(brain: Brain, live: Any) -> None:
    network = live(brain).network
    assert isinstance(network.module, tf.Module)
    assert {variable.name.removesuffix(":0") for variable in network.module.variables} == set(PATHS)
    assert {variable.name.removesuffix(":0") for variable in network.module.trainable_variables} == set(PATHS) - {
        "norm/mean", "norm/variance"
    }  # fmt: skip
    assert network.module.layers["conv1"].weight is network.native("conv1/weight")
    assert tuple(network.native("conv1/weight").shape) == (3, 3, 2, 4)  # height, width, in, out


def test_fill_and_read_in_canonical_layout(brain: Brain, live: Any) -> None:
    network = live(brain).network
    random = np.random.default_rng(3)
    values = {path: random.normal(size=spec.shape).astype(np.float32) for path, spec in network.graph.params.items()}
    variables = {path: network.native(path) for path in values}
    network.fill(values)
    read = network.read()
    assert list(read) == list(values) == PATHS
    for path, value in values.items():
        np.testing.assert_array_equal(read[path], value)
        assert read[path].flags.c_contiguous
        assert network.native(path) is variables[path]
    np.testing.assert_array_equal(network.native("conv1/weight").numpy(), values["conv1/weight"].transpose(2, 3, 1, 0))
    network["conv1/bias"] = np.arange(4)
    np.testing.assert_array_equal(network.read(["conv1/bias"])["conv1/bias"], [0, 1, 2, 3])
    read["conv1/bias"][:] = 7  # a copy
    assert network["conv1/bias"][0] == 0


def test_what_does_not_fit(brain: Brain, live: Any, backend: TensorflowBackend) -> None:
    network = live(brain).network
    with pytest.raises(UnknownNameError, match="no parameter 'conv1/wieght'.* Did you mean 'conv1/weight'"):
        network.fill({"conv1/wieght": np.zeros(3)})
    with pytest.raises(DataError, match=r"'conv1/weight' has shape \(4, 2, 3, 3\), and was given \(3, 3, 2, 4\)"):
        network.fill({"conv1/weight": np.zeros((3, 3, 2, 4))})
    with pytest.raises(DataError, match="no field 'image'.* Did you mean 'images'"):
        network.values({"images": IMAGES}, [Value("logits")])
    unplaced = backend.network(network.graph, backend.plan(Execution(), network.graph), 0)
    with pytest.raises(UsageError, match=r"call place\(device\) first"):
        unplaced.read()


def test_values_as_the_referees(brain: Brain, live: Any) -> None:
    """Any value may be asked for, in the canonical layout; what is not needed need not be there."""
    network, wanted = live(brain, precision="float64").network, live(brain, on=referee(), precision="float64").network
    targets = [Value(path) for path in ("image", "conv1", "norm", "pool", "drop", "logits")]
    for training in (False, True):
        found = network.values({"image": IMAGES}, targets, training=training, step=3)
        for target, value, reference in zip(
            targets, found, wanted.values({"image": IMAGES}, targets, training=training, step=3), strict=True
        ):
            assert value.shape == reference.shape
            assert difference(value, reference) <= 1e-12, target
            if target.source == "drop":  # the mask, to the bit, inside a region of channels last
                np.testing.assert_array_equal(value == 0, reference == 0)
    losses = [Value("loss"), Value("loss", 1), Value("accuracy")]
    fields = {**BATCH.fields, Batch.WEIGHTS: WEIGHTS}
    for value, reference in zip(network.values(fields, losses), wanted.values(fields, losses), strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-12)


def test_it_is_called_with_inputs(brain: Brain, live: Any) -> None:
    """Like any `tf.Module`, eagerly and under a tape; nothing changes, in training neither."""
    network, wanted = live(brain, precision="float64").network, live(brain, on=referee(), precision="float64").network
    before, images = network.read(), tf.constant(IMAGES, tf.float64)
    for mode in ("evaluation", "training"):
        with tf.GradientTape() as tape:
            outputs, carried = network.module({"image": images}, mode, step=3)
        (expected,) = wanted.values({"image": IMAGES}, [Value("logits")], training=mode == "training", step=3)
        assert (set(outputs), carried) == ({"logits"}, {})
        assert difference(outputs["logits"].numpy(), expected) <= 1e-12
        assert tape.gradient(outputs["logits"], network.native("conv1/weight")) is not None
    for path, value in network.read().items():
        np.testing.assert_array_equal(value, before[path])


def test_measures_as_the_referees(brain: Brain, live: Any) -> None:
    found = live(brain, precision="float64").network.measure(BATCH)
    wanted = live(brain, on=referee(), precision="float64").network.measure(BATCH)
    assert {path: set(parts) for path, parts in found.items()} == {path: set(parts) for path, parts in wanted.items()}
    for path, parts in wanted.items():
        for name, part in parts.items():
            assert float(found[path][name]) == pytest.approx(float(part), rel=1e-6)


def operations(network: Any, graph: Graph, targets: list[Value]) -> Counter[str]:
    """How many operations of each type compute the targets."""
    calls = graph.needed(targets)

    def run(image: tf.Tensor) -> list[tf.Tensor]:
        forward = network.forward(calls, {"image": image}, training=False, step=tf.zeros([1], tf.int32))
        return [forward[target] for target in targets]

    signature = [tf.TensorSpec((None, 2, 8, 8), tf.float32)]
    compiled = tf.function(run, input_signature=signature, autograph=False).get_concrete_function()
    return Counter(operation.type for operation in compiled.graph.get_operations())


def test_values_are_turned_at_the_edges_of_a_region_only(live: Any) -> None:
    region = Brain.graph(
        L.Conv2d(name="stem", channels=4, kernel=3, padding="same").on("image"),
        L.BatchNorm(name="norm").on("stem"),
        L.ReLU(name="relu").on("norm"),
        L.Conv2d(name="left", channels=4, kernel=1).on("relu"),
        L.Tanh(name="right").on("relu"),
        L.Add(name="sum").on("left", "right"),
        L.Concat(name="both").on("sum", "relu"),
        L.Dropout(name="drop").on("both"),
        L.MaxPool2d(name="pool", kernel=2).on("drop"),
        L.Flatten(name="flat").on("pool"),
        L.Dense(name="logits", units=3).on("flat"),
        inputs="image",
        outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    network = live(region).network
    assert operations(network, network.graph, [Value("logits")])["Transpose"] == 2  # the image, and before Flatten

    plain = Brain.sequential(L.ReLU(), L.Flatten(), L.Dense(name="logits", units=3), inputs="image", outputs="logits")
    network = live(plain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label")).network
    assert operations(network, network.graph, [Value("logits")])["Transpose"] == 0


def test_shared_parameters_are_one_variable(live: Any) -> None:
    twice = Brain.graph(
        L.Conv2d(name="first", channels=2, kernel=3, padding="same").on("image"),
        L.Conv2d(name="second", channels=2, kernel=3, padding="same").on("first", share="first"),
        L.GlobalAvgPool2d(name="pooled").on("second"),
        L.Dense(name="logits", units=3).on("pooled"),
        inputs="image",
        outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    native, reference = live(twice, precision="float64"), live(twice, on=referee(), precision="float64")
    assert list(native.network.read()) == ["first/weight", "first/bias", "logits/weight", "logits/bias"]
    assert native.network.module.layers["second"].weight is native.network.native("first/weight")
    wanted = reference.trainer.gradients(BATCH, 0)
    for path, gradient in native.trainer.gradients(BATCH, 0).items():
        assert difference(gradient, wanted[path]) <= 1e-12
