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


def trial_network(backend: Any, trial: Trial) -> Any:
    network = backend.network(trial.plain(FLOAT64), Plan(backend=backend.name), 0)
    network.place("cpu")
    network.fill({f"layer/{name}": value for name, value in trial.params.items()})
    return network
