"""With a running mean, what is validated, kept as the best, predicted with and exported is the mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.checkpoints import newest
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.optimizers.average import running_means
from akid_core.plugin_api import hookimpl
from akid_core.testing.kill import differences
from akid_core.training.stored import kid_of_run

SHARE = 0.8
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5]) > 0).astype(np.int64)


class Diary(Observer):
    """Keeps the parameters after every step."""

    def __init__(self) -> None:
        object.__setattr__(self, "seen", [])

    def next_look(self, step: int) -> int:
        return step + 1

    @hookimpl
    def akid_span_end(self, context: Moment) -> None:
        self.seen.append(context.kid.network.read())  # type: ignore[attr-defined]


def kid(**settings: Any) -> akid.Kid:
    brain = akid.Brain.sequential(
        L.Dense(units=4, name="hidden"), L.BatchNorm(name="norm"), L.Tanh(), L.Dense(units=2, name="logits"),
        inputs="x", outputs="logits",
    ).with_loss(L.SoftmaxCrossEntropy(), "logits", "label").with_metric(L.Accuracy(), "logits", "label")  # fmt: skip
    defaults: dict[str, Any] = {
        "brain": brain,
        "sensors": akid.sensors(train=(X, Y), val=(X[:20], Y[:20]), test=(X[20:], Y[20:]), fields=("x", "label"),
                                batch_size=8),
        "optimizer": akid.Adam(learning_rate=0.1, average=SHARE),
        "practice": akid.Practice(epochs=3),
        "backend": "numpy",
    }  # fmt: skip
    return akid.Kid(**{**defaults, **settings})


def means(seen: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """By the definition: weights share^(n - i), normed to 1; running statistics as they are last."""
    weights = SHARE ** np.arange(len(seen))[::-1]
    found = {
        path: np.tensordot(weights, np.stack([each[path] for each in seen]).astype(np.float64), 1) / weights.sum()
        for path in seen[0]
    }
    return found | {path: seen[-1][path] for path in ("norm/mean", "norm/variance")}


def test_by_hand() -> None:
    slots = {"average:w": np.array([1.75], np.float32), "mean:w": np.array([9.0], np.float32)}
    params = {"w": np.array([2.0], np.float32), "state": np.array([5.0], np.float32)}
    found = running_means(params, slots, {"w": (0.5, 2)})  # of the values 3 and 2: (0.25 * 3 + 0.5 * 2) / 0.75
    np.testing.assert_allclose(found["w"], [1.75 / 0.75], rtol=1e-7)
    assert (found["state"][0], found["w"].dtype) == (5.0, np.float32)
    assert running_means(params, slots, {"w": (0.5, 0)})["w"][0] == 2.0
    late = running_means(params, slots, {"w": (0.9999, 10**9)})
    assert late["w"][0] == 1.75


def test_the_mean_of_every_step_is_what_validates_tests_and_predicts(tmp_path: Path) -> None:
    diary = Diary()
    one = kid(observers=(diary,))
    result = one.practice(run_dir=tmp_path)
    expected = means(diary.seen)  # type: ignore[attr-defined]
    last = one.network.read()
    assert not np.allclose(last["hidden/weight"], expected["hidden/weight"], atol=1e-3)

    plain = kid(optimizer=akid.Adam())
    plain.network.fill({path: value.astype(np.float32) for path, value in expected.items()})
    for split in ("val", "test"):
        assert getattr(result, split) == pytest.approx(plain.validate(split), rel=1e-5)  # type: ignore[arg-type]
        assert one.validate(split) == getattr(result, split)  # type: ignore[arg-type]
    np.testing.assert_allclose(one.predict(X), plain.predict(X), rtol=1e-4, atol=1e-6)
    assert all(np.array_equal(value, last[path]) for path, value in one.network.read().items())
    with one.averaged():
        np.testing.assert_allclose(one.network["hidden/weight"], expected["hidden/weight"], rtol=1e-5)

    checkpoint = newest(tmp_path / "checkpoints")
    assert checkpoint is not None
    np.testing.assert_array_equal(checkpoint.params()["hidden/weight"], last["hidden/weight"])
    np.testing.assert_allclose(checkpoint.evaluated()["hidden/weight"], expected["hidden/weight"], rtol=1e-5)

    older = {**checkpoint.state, "average": one.config.optimizer.average}  # which an older version wrote in their place
    del older["averages"]
    with patch.object(type(checkpoint), "state", property(lambda _: older)):
        np.testing.assert_allclose(checkpoint.evaluated()["hidden/weight"], expected["hidden/weight"], rtol=1e-5)


def test_training_goes_on_with_the_raw_ones() -> None:
    averaged, plain = Diary(), Diary()
    kid(observers=(averaged,)).practice()
    kid(observers=(plain,), optimizer=akid.Adam(learning_rate=0.1)).practice()
    for mine, theirs in zip(averaged.seen, plain.seen, strict=True):  # type: ignore[attr-defined]
        assert all(np.array_equal(mine[path], theirs[path]) for path in theirs)


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_best_ones_are_means_too(on_disk: bool, tmp_path: Path) -> None:
    diary = Diary()
    practice = akid.Practice(epochs=3, validate_every=4, best=akid.Best(minimum_change=1000))  # that of step 4
    one = kid(observers=(diary,), practice=practice)
    result = one.practice(run_dir=tmp_path if on_disk else None)
    plain = kid(optimizer=akid.Adam())
    plain.network.fill({p: v.astype(np.float32) for p, v in means(diary.seen[:4]).items()})  # type: ignore[attr-defined]
    assert result.test == pytest.approx(plain.validate("test"), rel=1e-5)


def test_a_frozen_parameter_is_its_own_mean() -> None:
    one = kid(practice=akid.Practice(epochs=1, freeze=("hidden/*",)))
    one.practice()
    raw = one.network.read()
    with one.averaged():
        np.testing.assert_array_equal(one.network["hidden/weight"], raw["hidden/weight"])
        assert not np.array_equal(one.network["logits/weight"], raw["logits/weight"])


def test_a_run_on_the_disk(toy: Any) -> None:
    average = [
        "--set",
        "optimizer={adam: {learning_rate: 0.05, average: 0.9}}",
        "--set",
        "practice.best={metric: loss}",
    ]
    whole = toy.practice("whole", *average, "--json").json
    for limit in (3, 7):
        assert toy.practice("parts", *average, "--resume", "--max-steps", limit).code == 0
    assert toy.practice("parts", *average, "--resume", "--json").json["test"] == whole["test"]
    assert differences(toy.folder / "whole", toy.folder / "parts") == []
    assert toy.akid("validate", toy.folder / "whole", "--json").json["test"] == whole["test"]

    x = RANDOM.normal(size=(5, 2)).astype(np.float32)
    np.save(toy.folder / "x.npy", x)
    output = toy.folder / "y.npy"
    assert toy.akid("predict", toy.folder / "whole", "--input", "x.npy", "--output", output).code == 0
    trained, _ = kid_of_run(toy.folder / "whole")
    np.testing.assert_allclose(np.load(output), trained.predict(x), rtol=1e-6)
    started = toy.practice("next", "--set", "practice.start={path: whole}", "--max-steps", 0)
    assert started.code == 0
    begun, best = (newest(toy.folder / name / "checkpoints") for name in ("next", "whole"))
    chosen, _ = kid_of_run(toy.folder / "whole")
    with chosen.averaged():
        np.testing.assert_allclose(begun.params()["hidden/weight"], chosen.network["hidden/weight"], rtol=1e-6)
    assert best is not None
