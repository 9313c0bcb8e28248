"""Attached modules: a `tf.Module` or Keras layer, trained and saved under its own names."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.errors import ConfigurationError, SpecError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.optimizers import SGD
from akid_core.testing.layers import referee
from akid_core.testing.referee import difference
from akid_tf.runtime import tf


class Scaled(tf.Module):
    """x @ weight * scale, and a count of the calls in training."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        values = np.random.default_rng(0).normal(size=(features, units)) * 0.1
        self.inner = {"weight": tf.Variable(values.astype(np.float32))}
        self.scales = [tf.Variable(tf.ones(units))]
        self.seen = tf.Variable(0, trainable=False)

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        if training:
            self.seen.assign_add(1)
        return x @ self.inner["weight"] * self.scales[0]


def scaled(target: Any) -> Brain:
    blocks = (L.Flatten(), Attach(name="own", target=target, out=("N", 3)))
    brain = Brain.sequential(*blocks, inputs="image", outputs="own")
    return brain.with_loss(L.SoftmaxCrossEntropy(), "own", "label")


def dense() -> Brain:
    blocks = (L.Flatten(), L.Dense(name="own", units=3, bias=False))
    brain = Brain.sequential(*blocks, inputs="image", outputs="own")
    return brain.with_loss(L.SoftmaxCrossEntropy(), "own", "label")


def test_a_module_is_trained_and_saved_under_its_own_names(live: Any, make_span: Any) -> None:
    original = Scaled(128, 3)
    made, reference = live(scaled(original), SGD(momentum=0.9)), live(dense(), SGD(momentum=0.9), on=referee())
    assert set(made.network.read()) == {"own/inner.weight", "own/scales.0", "own/seen"}
    reference.network["own/weight"] = made.network["own/inner.weight"]
    span = make_span(0, 3)
    wanted = reference.trainer.gradients(span.batch(0), 0)["own/weight"]
    assert difference(made.trainer.gradients(span.batch(0), 0)["own/inner.weight"], wanted) <= 1e-5
    assert made.network["own/seen"] == 0  # only training counts
    made.trainer.run(span, np.full(3, 0.1))
    assert made.network["own/seen"] == 3
    assert set(made.trainer.read_slots()) == {"velocity:own/inner.weight", "velocity:own/scales.0"}
    np.testing.assert_array_equal(original.inner["weight"].numpy(), Scaled(128, 3).inner["weight"].numpy())

    again = live(scaled(original), SGD(momentum=0.9))
    again.network.fill(made.network.read())
    again.trainer.fill_slots(made.trainer.read_slots())
    later = make_span(3, 2)
    objectives = [one.trainer.run(later, np.full(2, 0.1)).objective for one in (made, again)]
    np.testing.assert_array_equal(*objectives)
    assert again.network["own/seen"] == 5


def test_keras_layers_by_import_path(live: Any, make_span: Any) -> None:
    """Names do not depend on Keras's counting, values on the seed and path alone, images come channels last."""
    filters = {"filters": 4, "kernel_size": 3}
    blocks = (
        Attach(name="conv", target="keras.layers:Conv2D", arguments=filters, out=("N", 4, 6, 6)),
        Attach(name="norm", target="keras.layers:BatchNormalization"),
        Attach(name="drop", target="keras.layers:Dropout", arguments={"rate": 0.5}),
        L.Flatten(),
        L.Dense(name="logits", units=3),
    )  # fmt: skip
    brain = Brain.sequential(*blocks, inputs="image", outputs="logits").with_loss(
        L.SoftmaxCrossEntropy(), "logits", "label"
    )
    state = random.getstate()
    made = [live(brain, SGD()) for _ in range(2)]
    assert random.getstate() == state
    first, second = (one.network.read() for one in made)
    assert {"conv/kernel", "conv/bias", "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance"} <= set(
        first
    )
    assert list(first) == list(second)
    for path, value in first.items():
        np.testing.assert_array_equal(second[path], value)
    span = make_span(0, 4)
    whole = made[0].trainer.run(span, np.full(4, 0.1)).objective
    parts = [made[1].trainer.run(make_span(step, 1), np.full(1, 0.1)).objective[0] for step in range(4)]
    np.testing.assert_array_equal(whole, parts)
    assert not np.array_equal(made[0].network["norm/moving_mean"], first["norm/moving_mean"])
    assert not np.array_equal(made[0].network["conv/kernel"], first["conv/kernel"])


def test_keras_numbers_are_counted_anew() -> None:
    import keras

    from akid_tf.variables import named_variables

    keras.layers.Dense(1)  # moves Keras's own counting
    stack = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    stack(tf.ones((1, 2)))
    names = [own.name for own in named_variables(stack)]
    assert names == [
        "dense.kernel", "dense.bias", "dense_2.kernel", "dense_2.bias", "batch_normalization.gamma",
        "batch_normalization.beta", "batch_normalization.moving_mean", "batch_normalization.moving_variance",
    ]  # fmt: skip


def test_the_brain_may_compute_in_another_type(live: Any, make_span: Any) -> None:
    made = live(scaled(Scaled(128, 3)), SGD(), precision="float64")
    assert made.network["own/inner.weight"].dtype == np.float32
    assert np.isfinite(made.trainer.run(make_span(0, 2), np.full(2, 0.1)).objective).all()


def test_what_cannot_be_attached(live: Any) -> None:
    with pytest.raises(SpecError, match=r"'own' attaches Scaled, whose output for each row is \[4\], not \[3\]"):
        live(scaled(Scaled(128, 4)))
    with pytest.raises(SpecError, match="'own' attaches Scaled, which does not take"):
        live(scaled(Scaled(5, 3)))
    with pytest.raises(
        ConfigurationError, match=r"'own' attaches an object of Fraction, and the tensorflow backend runs a tf\.Module"
    ):
        live(scaled("fractions:Fraction"))
