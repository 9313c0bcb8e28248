"""A GAN-like regime through the Kid on every backend: the same weights, losses and slots, also in two halves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.specs.precision import Precision
from akid_core.testing.referee import difference

STEPS = 12


def brain() -> akid.Brain:
    """A maker of images from noise; a judge, with statistics and dropout, that is to tell them from true ones.

    The maker has no bias: the norm takes it out, and Adam would make steps of rounding errors.
    """
    judge = akid.System.sequential(
        L.Dense(name="eye", units=8),
        L.BatchNorm(name="norm"),
        L.LeakyReLU(),
        L.Dropout(rate=0.2),
        L.Dense(name="out", units=1),
        name="judge",
        inputs="x",
    )
    again = akid.System.sequential(*judge.nodes, name="again", inputs="x")
    made = akid.Brain.graph(
        L.Dense(name="maker", units=5, bias=False).on("noise"),
        judge.on("image"),
        again.on("maker", share="judge"),
        inputs=("image", "noise"),
        outputs="maker",
        precision=Precision.of("float64"),
    )
    made = made.with_loss(L.BinaryCrossEntropy(name="true"), "judge", "ones")
    made = made.with_loss(L.BinaryCrossEntropy(name="false"), "again", "zeros")
    return made.with_loss(L.BinaryCrossEntropy(name="fool"), "again", "ones")


def kid(backend: str) -> akid.Kid:
    random = np.random.default_rng(0)
    rows = {
        "image": random.normal(size=(32, 5)).astype(np.float32),
        "noise": random.normal(size=(32, 3)).astype(np.float32),
        "ones": np.ones((32, 1), np.float32),
        "zeros": np.zeros((32, 1), np.float32),
    }
    judge = akid.Phase(
        name="judge",
        optimizer=akid.SGD(learning_rate=0.1, momentum=0.9),
        params=("judge/*",),
        losses=("true", "false"),
    )
    maker = akid.Phase(
        name="maker",
        optimizer=akid.Adam(learning_rate=akid.schedules.Cosine(initial=0.05)),
        params=("maker/*",),
        losses=("fool",),
        every=2,
        offset=1,
    )
    weights = {"fool": akid.schedules.Exponential(initial=1.0, factor=0.5)}
    return akid.Kid(
        brain=brain(),
        sensors=akid.sensors(train=rows, batch_size=8),
        optimizer=(judge, maker),
        practice=akid.Practice(steps=STEPS, loss_weights=weights),
        backend=backend,
    )


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_backends_take_the_same_turns(backend: str, tmp_path: Path) -> None:
    judge = kid("numpy")
    wanted = judge.practice().train
    kid(backend).practice(run_dir=tmp_path, max_steps=STEPS // 2 - 1)
    learner = kid(backend)
    assert learner.practice(run_dir=tmp_path, resume=True).train == pytest.approx(wanted, rel=1e-6)
    for path in judge.network:
        assert difference(learner.network[path], judge.network[path]) < 1e-9, path
