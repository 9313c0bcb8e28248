"""Kids on the digits: what their recipes reach, and that each backend learns the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import Kid
from akid_core import layers as L
from akid_core.kids import Gan
from akid_core.training.description import read_description

BACKENDS = ("torch", "tensorflow")


def recipe(name: str, *overrides: str, backend: str = "torch") -> Any:
    return Kid.from_config(*read_description(name, ["observers=[]", f"backend={backend}", *overrides]))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of the recipe `digits`."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    assert recipe("digits", "practice.epochs=6").practice(run_dir=folder).test["accuracy"] > 0.95
    return folder


@pytest.fixture(scope="module")
def judge() -> Any:
    """The probabilities of the ten digits, (n, 10), that an ordinary Kid gives to pictures."""
    kid = Kid(
        brain=akid.Brain.sequential(
            L.Flatten(), L.Dense(units=64), L.ReLU(), L.Dense(units=10, name="logits"), L.Softmax(), inputs="image"
        )
        .with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
        .with_metric(L.Accuracy(), "logits", "label"),
        sensors=akid.sensors("digits", batch_size=64),
        optimizer=akid.Adam(learning_rate=3e-3),
        practice=akid.Practice(epochs=15),
        backend="numpy",
    )
    assert kid.practice().test["accuracy"] > 0.93
    return kid.predict


def score(probabilities: np.ndarray) -> float:
    """exp of the mean divergence from the mean: 1 where all look alike or like nothing, at most 10 for ten classes.

    The inception score of Salimans et al., "Improved techniques for training GANs", 2016, with another judge.
    """
    mean = probabilities.mean(axis=0)
    return float(np.exp(np.sum(probabilities * np.log((probabilities + 1e-12) / mean), axis=1).mean()))


def test_made_digits_look_like_digits(judge: Any) -> None:
    kid = recipe("digits_gan", "practice.epochs=40")
    noise = np.random.default_rng(0).normal(size=(500, 32)).astype(np.float32)
    before = kid.predict({"noise": noise})
    kid.practice()
    made = kid.predict({"noise": noise})
    sensor = kid.sensor("test")
    real = np.concatenate([batch.fields["image"] for batch in sensor.batches()])
    assert abs(made.mean() - real.mean()) < 0.05
    assert abs(made.std() - real.std()) < 0.05
    assert abs(made.mean(axis=0) - real.mean(axis=0)).mean() < 0.1  # ink where real digits have it
    assert score(judge(real)) > 7
    assert score(judge(before)) < 2.5
    assert score(judge(made)) > 3.5  # several digits, each told with confidence
    assert np.count_nonzero(np.bincount(judge(made).argmax(axis=1), minlength=10) > 5) >= 8
    nearest = np.sqrt(((made[:100, None] - made[None, 100:200]) ** 2).sum(axis=(2, 3, 4))).min(axis=1)
    assert nearest.mean() > 0.5  # no two noises give one picture


def test_noise_is_undone() -> None:
    figures = recipe("digits_denoise", "practice.epochs=15").practice().test
    assert 0.15 < figures["before"] < 0.17  # deviation 0.4, squared
    assert figures["after"] < 0.25 * figures["before"]


def test_a_code_of_16_numbers_keeps_most_of_a_digit() -> None:
    kid = recipe("digits_autoencoder", "practice.epochs=30")
    pixels = np.concatenate([batch.fields["image"] for batch in kid.sensor("test").batches()])
    assert kid.practice().test["loss"] < 0.25 * pixels.var(axis=0).mean()  # which the mean picture would leave
    assert kid.graph.by_path["encoder/code"].out_specs[0].row == (16,)


def test_a_student_is_better_with_its_teacher_than_alone(teacher: Path) -> None:
    figures = {}
    for who in ("alone", "taught"):
        learner = "kid=kid" if who == "alone" else f"kid.teacher={teacher}"
        kids = [recipe("digits_distill", learner, "practice.epochs=50", f"seed={seed}") for seed in (0, 1)]
        figures[who] = np.mean([kid.practice().test["accuracy"] for kid in kids])
    assert figures["taught"] > figures["alone"] + 0.01


@pytest.mark.parametrize("name", ["gan", "distill", "denoise", "autoencoder"])
def test_every_backend_learns_the_same(name: str, teacher: Path) -> None:
    more = [f"kid.teacher={teacher}"] if name == "distill" else []
    more += ["brain.precision=float64", "practice={steps: 3}"]
    params = {}
    for backend in ("numpy", *BACKENDS):
        kid = recipe(f"digits_{name}", *more, backend=backend)
        kid.practice()
        params[backend] = kid.network.read()
    for backend in BACKENDS:
        for path, value in params["numpy"].items():
            np.testing.assert_allclose(params[backend][path], value, rtol=1e-6, atol=1e-9, err_msg=f"{backend} {path}")


def test_a_gan_goes_on_on_another_backend(tmp_path: Path) -> None:
    def kid(name: str) -> Any:
        return recipe("digits_gan", "practice={steps: 4}", "brain.precision=float64", backend=name)

    whole = kid("numpy")
    whole.practice()
    kid("numpy").practice(run_dir=tmp_path, max_steps=2)
    moved = kid("torch")
    assert isinstance(moved, Gan)
    moved.practice(run_dir=tmp_path, resume=True)
    for path, value in whole.network.read().items():
        np.testing.assert_allclose(moved.network[path], value, rtol=1e-6, atol=1e-9, err_msg=path)
