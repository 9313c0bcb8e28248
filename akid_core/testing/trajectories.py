"""Trajectories: a small residual network, trained the same way on several backends, and how far they drift apart.

Weights, data and order come from the host, so that two backends differ in the rounding of their kernels alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from akid_core import layers as L
from akid_core.backends.contract import Backend
from akid_core.data.batch import Span
from akid_core.graph.brain import Brain
from akid_core.graph.node import Node
from akid_core.graph.resolved import Graph, Value
from akid_core.optimizers import Optimizer
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.backends.brains import live, span
from akid_core.testing.referee import difference

ROWS = 8
FIELDS = {"image": TensorSpec(("N", 2, 8, 8), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The loss of each step, (steps,) float64, and the logits of a last batch in evaluation, (rows, classes)."""

    losses: np.ndarray
    outputs: np.ndarray

    def loss_error(self, other: Trajectory) -> float:
        """The largest relative difference of a loss."""
        return float(np.max(np.abs(self.losses - other.losses) / np.abs(other.losses)))

    def output_error(self, other: Trajectory) -> float:
        """The difference of the outputs as the ratio of norms."""
        return difference(self.outputs, other.outputs)


def residual_network(dtype: str) -> Graph:
    """Two residual blocks with batch norm, the second of which halves the image; no bias stands before a norm."""
    nodes = [
        L.Conv2d(name="stem", channels=4, kernel=3, padding="same", bias=False).on("image"),
        L.BatchNorm(name="stem_norm").on("stem"),
        L.ReLU(name="block0").on("stem_norm"),
        *_block("block1", "block0", channels=4, stride=1),
        *_block("block2", "block1", channels=8, stride=2),
        L.GlobalAvgPool2d(name="pool").on("block2"),
        L.Dense(name="logits", units=3).on("pool"),
    ]
    brain = Brain(nodes=tuple(nodes), inputs="image", outputs="logits", precision=Precision.of(dtype))
    return brain.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label").resolve(FIELDS)


def trajectory(backend: Backend, graph: Graph, optimizer: Optimizer, rate: float, steps: int) -> Trajectory:
    """Train for some steps at one rate, and look at the outputs for a batch that was not among them."""
    one = live(backend, graph, optimizer)
    result = one.trainer.run(_batches(graph, 0, steps), np.full(steps, rate))
    (outputs,) = one.network.values(_batches(graph, steps, 1).batch(0).fields, [Value("logits")])
    return Trajectory(result.objective, outputs)


def _batches(graph: Graph, first: int, steps: int) -> Span:
    """Images of noise, whose class is the brightest third: something to learn."""
    noise = span(graph, first, steps, rows=ROWS)
    columns = noise.fields["image"].sum(axis=(2, 3))
    thirds = [columns[..., :3], columns[..., 3:5], columns[..., 5:]]
    label = np.argmax(np.stack([third.mean(axis=-1) for third in thirds]), axis=0)
    return replace(noise, fields={**noise.fields, "label": label})


def _block(name: str, source: str, *, channels: int, stride: int) -> list[Node]:
    """relu(norm(conv(relu(norm(conv(x))))) + x); x passes a convolution where its shape changes."""
    first, second, shortcut = f"{name}_first", f"{name}_second", source
    nodes = [
        L.Conv2d(name=first, channels=channels, kernel=3, stride=stride, padding="same", bias=False).on(source),
        L.BatchNorm(name=f"{first}_norm").on(first),
        L.ReLU(name=f"{first}_relu").on(f"{first}_norm"),
        L.Conv2d(name=second, channels=channels, kernel=3, padding="same", bias=False).on(f"{first}_relu"),
        L.BatchNorm(name=f"{second}_norm").on(second),
    ]
    if stride > 1:
        shortcut = f"{name}_shortcut"
        nodes.append(L.Conv2d(name=shortcut, channels=channels, kernel=1, stride=stride, bias=False).on(source))
    return [*nodes, L.Add(name=f"{name}_sum").on(f"{second}_norm", shortcut), L.ReLU(name=name).on(f"{name}_sum")]
