"""The order of execution: rectifying after pooling changes nothing, and what nobody takes any more is let go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import nn

from akid_core import layers as L
from akid_core.data.batch import Batch
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.plugins import default_manager

POOLED = Brain.graph(
    L.Conv2d(name="conv", channels=3, kernel=3, padding="same").on("image"),
    L.ReLU(name="relu").on("conv"),
    L.MaxPool2d(name="pool", kernel=3, stride=2, padding=1).on("relu"),
    L.Flatten(name="flat").on("pool"),
    L.Dense(name="logits", units=3).on("flat"),
    inputs="image",
    outputs="logits",
).with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")


def order(network: Any, *targets: str) -> list[type[nn.Module]]:
    """The classes of what runs for the targets."""
    program = network.module.program([Value(target) for target in targets])
    return [type(operation.run) for operation in program.operations[:3]]


def test_rectifying_comes_after_max_pooling_where_nobody_can_tell(live: Any) -> None:
    network, _ = live(POOLED)
    assert order(network, "logits") == [nn.Conv2d, nn.MaxPool2d, nn.ReLU]
    assert order(network, "logits", "relu") == [nn.Conv2d, nn.ReLU, nn.MaxPool2d]
    used_twice = POOLED.with_loss(L.MeanSquaredError(), "relu", "relu")
    assert order(live(used_twice).network, "logits") == [nn.Conv2d, nn.MaxPool2d, nn.ReLU]
    beside = Brain.graph(
        L.ReLU(name="relu").on("image"),
        L.MaxPool2d(name="pool", kernel=2).on("relu"),
        L.AvgPool2d(name="mean", kernel=2).on("relu"),
        L.Add(name="sum").on("pool", "mean"),
        inputs="image",
    ).with_loss(L.MeanSquaredError(), "sum", "sum")
    assert order(live(beside).network, "sum") == [nn.ReLU, nn.MaxPool2d, nn.AvgPool2d]


def test_sequences_are_pooled_first_too(live: Any) -> None:
    line = Brain.graph(
        L.Reshape(name="line", shape=(1, 64)).on("image"),
        L.ReLU(name="relu").on("line"),
        L.MaxPool1d(name="pool", kernel=2).on("relu"),
        inputs="image",
    ).with_loss(L.MeanSquaredError(), "pool", "pool")
    assert order(live(line).network, "pool")[1:] == [nn.MaxPool1d, nn.ReLU]


@pytest.mark.parametrize("kind", ["random", "ties", "all below zero"])
def test_values_and_gradients_stay(live: Any, kind: str) -> None:
    random = np.random.default_rng(0)
    images = random.normal(size=(6, 1, 8, 8)).astype(np.float32)
    if kind == "ties":
        images = np.sign(images)
    fields = {"image": images, "label": np.arange(6) % 3}
    batch = Batch(fields, np.ones(6, np.float32), np.arange(6), np.arange(6))
    referee = default_manager().registry.get("backend", "numpy")()
    found = []
    for settings in ({}, {"backend": referee}):
        network, trainer = live(POOLED, precision="float64", **settings)
        if kind == "ties":
            network["conv/weight"] = np.round(network["conv/weight"] * 3)
        if kind == "all below zero":
            network["conv/bias"] = np.full(3, -100.0)
        gradients = trainer.gradients(batch, 0)
        found.append([*gradients.values(), network.values(fields, [Value("logits")])[0]])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
    if kind == "all below zero":
        assert not np.any(found[0][0])


def test_what_nobody_takes_any_more_is_let_go(live: Any) -> None:
    network, _ = live(POOLED)
    program = network.module.program([Value("logits"), Value("conv")])
    values = network.tensors(program, {"image": np.ones((2, 1, 8, 8), np.float32)})
    slots = network.module.run(program, values, network.module.frame(2, training=False))
    left = {value.source for value, number in program.numbers.items() if slots[number] is not None}
    assert left == {"conv", "logits"}
