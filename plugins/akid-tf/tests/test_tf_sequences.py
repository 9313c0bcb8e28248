"""Layers over sequences in TensorFlow: one trace for sequences of any length, and masks of any type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.plan import Plan
from akid_core.graph.resolved import Value
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import FLOAT64, Trial, referee
from akid_tf.backend import TensorflowBackend
from akid_tf.runtime import tf

OPEN = TensorSpec(("N", "T", 6))


@pytest.mark.parametrize(
    ("layer", "specs"),
    [
        (L.PositionalEmbedding(length=9), (OPEN,)),
        (L.MultiHeadAttention(heads=2, causal=True), (OPEN, TensorSpec(("N", "T"), "bool"))),
        (L.LSTM(units=3, return_sequences=True), (OPEN, TensorSpec(("N", "T"), "int32"))),
        (L.GRU(units=3, reverse=True), (OPEN,)),
    ],
)
def test_the_number_of_steps_may_change(
    backend: TensorflowBackend, layer: Layer, specs: tuple[TensorSpec, ...]
) -> None:
    trial = Trial(layer=layer, in_specs=specs)
    ours, wanted = (trial_network(each, trial) for each in (backend, referee()))
    for rows, steps in ((2, 3), (1, 7), (0, 5), (3, 1)):
        random = np.random.default_rng(steps)
        fields = {"input0": random.normal(size=(rows, steps, 6)), "input1": random.integers(0, 2, (rows, steps))}
        found, expected = (network.values(fields, [Value("layer")])[0] for network in (ours, wanted))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert len(ours._programs) == 1


@pytest.mark.parametrize("layer", [L.LSTM(units=3, return_sequences=True), L.GRU(units=3)])
def test_xla_takes_the_loop_and_its_gradient(backend: TensorflowBackend, layer: Layer) -> None:
    network = trial_network(backend, Trial(layer=layer, in_specs=(OPEN,)))
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 6)))

    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            forward = network.forward(network.graph.calls, {"input0": x}, training=True, step=tf.zeros([1], tf.int32))
            total = tf.reduce_sum(forward[Value("layer")] ** 2)
        return tape.gradient(total, x)

    compiled = tf.function(gradient, jit_compile=True, autograph=False)
    np.testing.assert_allclose(compiled(x), gradient(x), rtol=1e-10)


def trial_network(backend: Any, trial: Trial) -> Any:
    network = backend.network(trial.plain(FLOAT64), Plan(backend=backend.name), 0)
    network.place("cpu")
    network.fill({f"layer/{name}": value for name, value in trial.params.items()})
    return network
