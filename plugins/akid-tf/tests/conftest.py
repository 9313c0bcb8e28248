"""What the tests of this plugin share: a small brain, live networks, and spans of random data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.backends.plan import Execution
from akid_core.data.batch import Span
from akid_core.graph.brain import Brain
from akid_core.graph.expand import Stream
from akid_core.initializers.fill import initial_values
from akid_core.optimizers import SGD, Optimizer
from akid_core.optimizers.regime import Regime
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_tf.backend import TensorflowBackend

FIELDS = {"image": TensorSpec(("N", 2, 8, 8), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}


class Live(NamedTuple):
    """A placed and filled network with its train program."""

    network: Any
    trainer: Any


@pytest.fixture(scope="session")
def backend() -> TensorflowBackend:
    return TensorflowBackend()


@pytest.fixture
def fields() -> dict[str, TensorSpec]:
    """What a batch holds."""
    return FIELDS


@pytest.fixture
def brain() -> Brain:
    """A convolutional classifier of small images with everything that is awkward: padding, statistics, dropout."""
    blocks = (
        L.Conv2d(name="conv1", channels=4, kernel=3, padding="same"),
        L.BatchNorm(name="norm"),
        L.ReLU(name="relu"),
        L.MaxPool2d(name="pool", kernel=2),
        L.Dropout(name="drop", rate=0.25),
        L.Flatten(name="flat"),
        L.Dense(name="logits", units=3),
    )
    sequence = Brain.sequential(*blocks, inputs="image", outputs="logits")
    return sequence.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label").with_metric(
        L.Accuracy(name="accuracy"), "logits", "label"
    )


@pytest.fixture
def live(backend: TensorflowBackend) -> Callable[..., Live]:
    def make(
        brain: Brain,
        optimizer: Optimizer | Regime | None = None,
        *,
        specs: Mapping[str, TensorSpec] = FIELDS,
        stream: Stream | None = None,
        on: Backend = backend,
        precision: str | Precision = "float32",
        frozen: tuple[str, ...] = (),
        **execution: Any,
    ) -> Live:
        types = precision if isinstance(precision, Precision) else Precision.of(precision)
        graph = replace(replace(brain, precision=types).resolve(specs, stream=stream), frozen=frozen)
        plan = on.plan(Execution(**execution), graph)
        network = on.network(graph, plan, 7)
        network.place("cpu")
        network.fill(initial_values(graph, 7))
        return Live(network, on.trainer(network, optimizer or SGD(learning_rate=0.1, momentum=0.9), plan))

    return make


@pytest.fixture
def make_span() -> Callable[..., Span]:
    """Steps from `first` on of one endless, fixed sequence of batches."""

    def make(first: int, steps: int, rows: int = 6, first_row: int = 0) -> Span:
        images, labels, weights = [], [], []
        for step in range(first, first + steps):
            random = np.random.default_rng(step)
            images.append(random.normal(size=(rows, 2, 8, 8)).astype(np.float32))
            labels.append(random.integers(0, 3, rows))
            weights.append(random.uniform(0.5, 1.5, rows).astype(np.float32))
        index = np.zeros((steps, rows), np.int64)
        fields = {"image": np.stack(images), "label": np.stack(labels)}
        return Span(0, first, fields, np.stack(weights), index, index, first_row)

    return make
