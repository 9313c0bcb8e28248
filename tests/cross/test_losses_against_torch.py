"""Losses against `torch.nn.functional` in float64: values and gradients over a seeded sweep of settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from akid_core.layers import (
    BinaryCrossEntropy,
    Distillation,
    Hinge,
    Huber,
    KLDivergence,
    MarginRanking,
    MeanAbsoluteError,
    SoftmaxCrossEntropy,
)
from akid_core.specs import Loss
from akid_core.testing.run_layer import run_layer

torch = pytest.importorskip("torch")
functional = torch.nn.functional

SEEDS = range(20)


def judge(loss: Loss, oracle: Callable[..., Any], *inputs: np.ndarray) -> None:
    """`oracle` gives the mean over the batch; its gradients by all floating inputs are compared, too."""
    theirs = [torch.tensor(value, requires_grad=value.dtype.kind == "f") for value in inputs]
    mean = oracle(*theirs)
    mean.backward()
    value, weight = run_layer(loss, *inputs).outputs
    total = weight.sum()
    assert np.sum(value * weight) / total == pytest.approx(mean.item(), rel=1e-10, abs=1e-12)
    ours = run_layer(loss, *inputs, cotangents=[weight / total, np.zeros_like(weight)])
    for gradient, tensor in zip(ours.input_gradients, theirs, strict=True):
        if gradient is not None and tensor.grad is not None:
            np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_cross_entropy_of_sequences(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, steps, classes = random.integers(2, 8, 3)
    smoothing = float(random.choice([0.0, 0.1, 1.0]))
    logits = random.normal(0.0, 10.0 ** random.integers(-1, 4), (rows, steps, classes))
    labels = random.integers(0, classes, (rows, steps))
    labels.flat[1 :: random.integers(2, 5)] = -100

    def oracle(logits: Any, labels: Any) -> Any:
        flat = logits.reshape(-1, classes), labels.reshape(-1)
        return functional.cross_entropy(*flat, ignore_index=-100, label_smoothing=smoothing)

    judge(SoftmaxCrossEntropy(smoothing=smoothing, ignore_index=-100), oracle, logits, labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_cross_entropy_of_masked_sequences_with_class_weights(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, labels = random.normal(size=(4, 5, 3)), random.integers(0, 3, (4, 5))
    mask, weights = random.integers(0, 2, (4, 5)).astype(bool), random.uniform(0.1, 3.0, 3)
    mask[0, 0] = True

    def oracle(logits: Any, labels: Any, mask: Any) -> Any:
        return functional.cross_entropy(logits[mask], labels[mask], torch.tensor(weights))

    judge(SoftmaxCrossEntropy(class_weights=tuple(weights.tolist())), oracle, logits, labels, mask)


@pytest.mark.parametrize("seed", SEEDS)
def test_binary_cross_entropy(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 5, random.integers(1, 4)))
    logits = random.normal(0.0, 10.0 ** random.integers(-1, 5), shape) * random.integers(0, 2, shape)  # zeros, too
    labels = random.uniform(size=shape) if seed % 2 else random.integers(0, 2, shape)
    several = seed % 3 == 0 and len(shape) > 1
    weight = tuple(random.uniform(0.1, 5.0, shape[-1]).tolist()) if several else float(random.uniform(0.1, 5.0))

    def oracle(logits: Any, labels: Any) -> Any:
        return functional.binary_cross_entropy_with_logits(
            logits, labels.to(logits.dtype), pos_weight=torch.tensor(weight, dtype=torch.float64)
        )

    judge(BinaryCrossEntropy(positive_weight=weight), oracle, logits, labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_absolute_and_huber_error(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 5, random.integers(1, 5)))
    x, y = random.integers(-3, 4, shape) / 2, random.integers(-3, 4, shape) / 2  # ties and edges
    delta = float(random.choice([0.5, 1.0, 2.0]))
    judge(MeanAbsoluteError(), functional.l1_loss, x, y)
    judge(Huber(delta=delta), lambda x, y: functional.huber_loss(x, y, delta=delta), x, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_divergence(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, target = random.normal(0.0, 5.0, (4, 3)), random.dirichlet(np.full(3, 0.5), 4)
    target[0] = (1, 0, 0)

    def oracle(logits: Any, target: Any) -> Any:
        return functional.kl_div(functional.log_softmax(logits, dim=1), target.detach(), reduction="batchmean")

    judge(KLDivergence(), oracle, logits, target)


@pytest.mark.parametrize("seed", SEEDS)
def test_distillation(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, classes = random.integers(2, 8, 2)
    temperature = float(random.choice([0.5, 1.0, 4.0, 20.0]))
    student, teacher = random.normal(0.0, 10.0 ** random.integers(-1, 3), (2, rows, classes))

    def oracle(student: Any, teacher: Any) -> Any:
        logs = (functional.log_softmax(logits / temperature, dim=1) for logits in (student, teacher))
        return functional.kl_div(*logs, reduction="batchmean", log_target=True) * temperature**2

    judge(Distillation(temperature=temperature), oracle, student, teacher)


@pytest.mark.parametrize("seed", SEEDS)
def test_margin_ranking(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(5, 2)), random.normal(size=(5, 2))
    sign = random.choice([-1, 1], (5, 2))
    margin = float(random.uniform(0.1, 2.0))
    judge(
        MarginRanking(margin=margin),
        lambda x, y, sign: functional.margin_ranking_loss(x, y, sign, margin=margin),
        x, y, sign,
    )  # fmt: skip


@pytest.mark.parametrize("squared", [False, True])
def test_hinge_of_two_classes(squared: bool) -> None:
    """With two classes all others are one: torch's sum over them, divided by the classes, is half of ours."""
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(16, 2)), random.integers(0, 2, 16)
    power = 2 if squared else 1
    judge(
        Hinge(margin=0.7, squared=squared),
        lambda scores, labels: 2 * functional.multi_margin_loss(scores, labels, p=power, margin=0.7),
        scores, labels,
    )  # fmt: skip
