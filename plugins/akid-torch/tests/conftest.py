"""What the tests of this plugin share: a small brain, live networks, and spans of random data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.graph.brain import Brain
from akid_core.optimizers import SGD, Optimizer
from akid_core.random import derive_key
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_torch.backend import TorchBackend

torch.set_num_threads(1)

FIELDS = {"image": TensorSpec(("N", 1, 8, 8), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}
ROWS = 6


class Live(NamedTuple):
    """A placed and filled network with its train program."""

    network: Any
    trainer: Any


@pytest.fixture
def brain() -> Brain:
    """A convolutional classifier of 8x8 images with everything that is awkward: padding, statistics, dropout."""
    blocks = (
        L.Conv2d(name="conv1", channels=4, kernel=3, stride=2, padding="same"),
        L.ReLU(),
        L.BatchNorm(name="norm"),
        L.MaxPool2d(kernel=2),
        L.Dropout(rate=0.25),
        L.Flatten(),
        L.Dense(name="logits", units=3),
    )
    sequence = Brain.sequential(*blocks, inputs="image", outputs="logits")
    return sequence.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label").with_metric(
        L.Accuracy(name="accuracy"), "logits", "label"
    )


@pytest.fixture
def live() -> Callable[..., Live]:
    def make(
        brain: Brain,
        optimizer: Optimizer | None = None,
        *,
        backend: Backend | None = None,
        precision: str = "float32",
        **execution: Any,
    ) -> Live:
        backend, graph = backend or TorchBackend(), replace(brain, precision=Precision.of(precision)).resolve(FIELDS)
        plan = backend.plan(Execution(**execution), graph)
        network = backend.network(graph, plan, 7)
        network.place("cpu")
        network.fill({path: spec.init.values(spec, derive_key(7, "init", path)) for path, spec in graph.params.items()})
        trainer = backend.trainer(network, optimizer or SGD(learning_rate=0.1, momentum=0.9), plan)
        return Live(network, trainer)

    return make


@pytest.fixture
def make_span() -> Callable[..., Span]:
    """Steps from `first` on of one endless, fixed sequence of batches."""

    def make(first: int, steps: int, weights: np.ndarray | None = None, first_row: int = 0) -> Span:
        images, labels = [], []
        for step in range(first, first + steps):
            random = np.random.default_rng(step)
            images.append(random.normal(size=(ROWS, 1, 8, 8)).astype(np.float32))
            labels.append(random.integers(0, 3, ROWS))
        index = np.zeros((steps, ROWS), np.int64)
        weights = np.ones((steps, ROWS), np.float32) if weights is None else weights
        fields = {"image": np.stack(images), "label": np.stack(labels)}
        return Span(0, first, fields, weights, index, index, first_row)

    return make
