"""The small graphs that live networks and train programs are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from akid_core import layers as L
from akid_core.backends.contract import Arrays, Backend, Network, Trainer
from akid_core.backends.plan import Execution
from akid_core.data.batch import Batch, Span
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Graph
from akid_core.initializers import Zeros
from akid_core.initializers.fill import initial_values
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.regime import Regime
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec

ROWS = 6
IMAGES = {"image": TensorSpec(("N", 2, 6, 6), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}
VECTORS = {"image": TensorSpec(("N", 5), "float32", "NC"), "label": TensorSpec(("N",), "int64", "N")}


def classifier(*blocks: Layer, fields: Mapping[str, TensorSpec], precision: Precision) -> Graph:
    """The blocks and a dense layer, with a loss and a metric."""
    sequence = Brain.sequential(*blocks, L.Dense(units=3, name="logits"), inputs="image", outputs="logits")
    measured = sequence.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
    return replace(measured.with_metric(L.Accuracy(name="accuracy"), "logits", "label"), precision=precision).resolve(
        fields
    )


def images(precision: Precision) -> Graph:
    """A classifier of images with what is awkward: padding, statistics, ties, dropout, a change of layout."""
    return classifier(
        L.Conv2d(channels=4, kernel=3, padding="same", bias=False, name="conv"),
        L.BatchNorm(name="norm"),
        L.ReLU(),
        L.MaxPool2d(kernel=2),
        L.Dropout(rate=0.25, name="drop"),
        L.Flatten(),
        fields=IMAGES,
        precision=precision,
    )


def vectors(precision: Precision, *more: Layer) -> Graph:
    """A classifier of vectors; `more` blocks come before its last layer."""
    blocks = (L.Dense(units=4, name="hidden"), L.Tanh(), *more)
    return classifier(*blocks, fields=VECTORS, precision=precision)


@dataclass(frozen=True, kw_only=True)
class Remembers(Layer):
    """Gives its input, and in training keeps the mask that it drew as its state."""

    rows: int = ROWS

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        return (ParamSpec(name="mask", shape=(self.rows, *x.row), init=Zeros(), role="state"),)

    def forward(self, context: Context, x: Array) -> Array:
        if context.training:
            spec = context.call.in_specs[0]
            context.update("mask", context.ops.astype(context.keep(0.6, spec.row), spec.dtype))
        return x


@dataclass(frozen=True, slots=True)
class Live:
    """A network, placed and filled, with its train program."""

    network: Network
    trainer: Trainer

    @property
    def everything(self) -> Arrays:
        """Copies of all parameters, and of the optimizer's state."""
        return {**self.network.read(), **self.trainer.read_slots()}


def live_network(backend: Backend, graph: Graph, seed: int = 7) -> Network:
    """A network with initial values drawn from the seed."""
    network = backend.network(graph, backend.plan(Execution(), graph), seed)
    network.place("cpu")
    network.fill(initial_values(graph, seed))
    return network


def live(backend: Backend, graph: Graph, optimizer: Optimizer | Regime, execution: Execution | None = None) -> Live:
    """A network and its train program with slots at zero."""
    network = live_network(backend, graph)
    return Live(network, backend.trainer(network, optimizer, backend.plan(execution or Execution(), graph)))


def span(graph: Graph, first: int, steps: int, rows: int = ROWS, first_row: int = 0) -> Span:
    """Steps from `first` on of one endless, fixed sequence of batches for the graph."""
    specs = {**graph.inputs, **graph.fields}
    batches = [_fields(specs, step, rows) for step in range(first, first + steps)]
    stacked = {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}
    weights, index = stacked.pop(Batch.WEIGHTS), np.zeros((steps, rows), np.int64)
    return Span(0, first, stacked, weights, index, index, first_row)


def same(one: Arrays, other: Arrays) -> None:
    """The same names and bits."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def _fields(specs: Mapping[str, TensorSpec], step: int, rows: int) -> Arrays:
    random = np.random.default_rng(step)
    fields: Arrays = {Batch.WEIGHTS: random.uniform(0.5, 1.5, rows).astype(np.float32)}
    for name, spec in specs.items():
        shape = (rows, *spec.row)
        fields[name] = random.normal(size=shape).astype(np.float32) if spec.floating else random.integers(0, 3, shape)
    return fields
