"""A run that changes its backend on the way is the run that stays: in float64 to rounding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.checkpoints import newest
from akid_core.errors import ConfigurationError
from akid_core.testing.referee import difference

pytest.importorskip("torch")
pytest.importorskip("tensorflow")
pytest.importorskip("akid_datasets")

LEGS = (7, 18, 26)
"""After so many steps a leg ends; an epoch has 10 steps, so each ends inside one."""


def brain() -> akid.Brain:
    made = akid.Brain.sequential(
        # no bias before a norm: its gradient is zero but for rounding, which Adam would make large
        L.Conv2d(channels=4, kernel=3, padding="same", bias=False, name="conv"), L.BatchNorm(name="norm"), L.Tanh(),
        L.AvgPool2d(kernel=2), L.Dropout(rate=0.3, name="drop"), L.Flatten(), L.Dense(units=10, name="logits"),
        inputs="image", outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")  # fmt: skip
    return replace(made.with_metric(L.Accuracy(), "logits", "label"), precision=akid.Precision.of("float64"))


def kid(backend: str, optimizer: akid.Optimizer, **settings: Any) -> akid.Kid:
    from akid_datasets.augmenters.shift import Shift

    random = np.random.default_rng(0)
    arrays = {"image": random.normal(size=(95, 1, 8, 8)), "label": random.integers(0, 10, 95)}
    held = {"image": random.normal(size=(20, 1, 8, 8)), "label": random.integers(0, 10, 20)}
    defaults: dict[str, Any] = {
        "brain": brain(),
        "sensors": akid.sensors(train=arrays, val=held, batch_size=10, augment=(Shift(pixels=1),)),
        "optimizer": optimizer,
        "practice": akid.Practice(epochs=3, log_every=1, best=akid.Best()),
        "backend": backend,
        "seed": 3,
    }
    return akid.Kid(**{**defaults, **settings})


OPTIMIZERS = [
    akid.SGD(learning_rate=0.05, momentum=0.9, weight_decay=0.01),
    akid.Adam(learning_rate=akid.schedules.Cosine(initial=0.01), average=0.9, clip_norm=1.0),
    akid.RMSprop(learning_rate=1e-3, momentum=0.5, regularizers=(akid.Regularizer(l1=1e-3, max_norm=1.0),)),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.component())
@pytest.mark.parametrize("chain", [("torch", "tensorflow", "torch"), ("tensorflow", "numpy", "torch")], ids="-".join)
def test_a_run_that_moves_twice(chain: tuple[str, ...], optimizer: akid.Optimizer, tmp_path: Path) -> None:
    whole = kid(chain[0], optimizer)
    undisturbed = whole.practice(run_dir=tmp_path / "whole", max_steps=LEGS[-1])
    for backend, limit in zip(chain, LEGS, strict=True):
        moved = kid(backend, optimizer)
        result = moved.practice(run_dir=tmp_path / "moved", resume=True, max_steps=limit)
    ends = [newest(tmp_path / name / "checkpoints") for name in ("moved", "whole")]
    for kind in ("params", "slots", "evaluated"):
        mine, theirs = (getattr(end, kind)() for end in ends)
        assert mine.keys() == theirs.keys()
        worst = max((difference(mine[name], theirs[name]), name) for name in theirs)
        assert worst[0] <= 1e-8, (kind, worst)
    for split in ("train", "val"):
        assert getattr(result, split) == pytest.approx(getattr(undisturbed, split), rel=1e-8)
    assert moved.state.best_step == whole.state.best_step
    assert moved.state.best_value == pytest.approx(whole.state.best_value, rel=1e-8)


def test_a_move_is_told_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    optimizer = akid.SGD(learning_rate=0.1)
    kid("torch", optimizer).practice(run_dir=tmp_path, max_steps=5)
    assert "under" not in capsys.readouterr().err
    moved = kid("tensorflow", optimizer)
    moved.practice(run_dir=tmp_path, resume=True, max_steps=8)
    said = "The run goes on under tensorflow; up to step 5 it ran under torch."
    assert capsys.readouterr().err.count(said) == 1
    assert moved.notes == (said,)
    state = newest(tmp_path / "checkpoints").state  # type: ignore[union-attr]
    assert (state["plan"]["backend"], state["notes"]) == ("tensorflow", [said])
    assert "tensorflow" in (tmp_path / "config.yaml").read_text()


def test_what_the_other_backend_refuses_can_be_taken_back(tmp_path: Path) -> None:
    optimizer, first = akid.SGD(learning_rate=0.1), akid.Execution(layout="channels_first")
    kid("torch", optimizer, execution=first).practice(run_dir=tmp_path, max_steps=3)
    with pytest.raises(ConfigurationError, match="execution.layout is 'channels_first'") as caught:
        kid("tensorflow", optimizer, execution=first).practice(run_dir=tmp_path, resume=True, max_steps=5)
    assert any("The run comes from torch." in note and "--set execution={}" in note for note in caught.value.__notes__)
    assert kid("tensorflow", optimizer).practice(run_dir=tmp_path, resume=True, max_steps=5).step == 5
