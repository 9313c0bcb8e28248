"""The zoo's networks for images take the same step on torch and on TensorFlow: equal weights, masks, losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import akid_core as akid
from akid_core.specs.precision import Precision

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

BACKENDS = ("torch", "tensorflow")
NETWORKS = {
    "lenet5_1998": {},
    "mnist_tutorial_net": {},
    "maxout_mnist": {"norm": True},
    "cifar_alexnet": {},
    "cifar_resnet": {"depth": 8},
    "wide_resnet": {"depth": 10, "width": 1, "dropout": 0.3, "shortcut": "padding"},
    "all_cnn_b": {},
}


def step(brain: akid.Brain, backend: str, image: np.ndarray, label: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss of the first step, and by how much it moved the weights of the first layer."""
    kid = akid.Kid(
        brain=brain,
        sensors=akid.sensors(train=(image, label), batch_size=len(image)),
        optimizer=akid.SGD(learning_rate=1.0),
        practice=akid.Practice(steps=1),
        backend=backend,
    )
    first = next(iter(kid.network))
    before = kid.network[first]
    return kid.practice().train["loss"], kid.network[first] - before


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_on_both(name: str) -> None:
    ready = akid.Brain.from_config({name: {"classes": 3, **NETWORKS[name]}})
    brain = replace(ready, precision=Precision.of("float64"))  # small batches of normalised values magnify rounding
    random = np.random.default_rng(1)
    image = random.normal(size=(4, *brain.input_specs["image"].row))
    label = np.array([0, 1, 2, 1])
    (loss, moved), (other_loss, other_moved) = (step(brain, backend, image, label) for backend in BACKENDS)
    assert loss == pytest.approx(other_loss, rel=1e-9)
    size = np.abs(moved).max()
    assert size > 1e-6
    np.testing.assert_allclose(other_moved, moved, rtol=0, atol=1e-6 * size)
