"""What a batch says of the network: rows of losses, the objective's derivatives by them, and states of measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from akid_core.backends.contract import MetricStates
from akid_core.graph.resolved import Graph
from akid_tf.runtime import tf

Tensors = dict[str, dict[str, Any]]
"""For each loss and metric by path: its parts."""

Stacked = Mapping[str, Mapping[str, np.ndarray]]
"""The same on the host, each part (k, ...): of k steps."""


class Rows(NamedTuple):
    """What a loss gave: for each row its value, and how much it counts; (batch,), or (k, batch) of k steps.

    Where the weight is 0 the value stands for nothing and may be anything.
    """

    value: tf.Tensor
    weight: tf.Tensor

    def counted(self) -> tf.Tensor:
        """The values, 0 where nothing counts: taken out before anything is multiplied, as 0 times infinity is none."""
        return tf.where(self.weight == 0, tf.zeros_like(self.value), self.value)


class Total(NamedTuple):
    """A loss over a whole batch: the sum of its weights, and the weighted mean of its values; scalars."""

    count: tf.Tensor
    mean: tf.Tensor

    @classmethod
    def of(cls, rows: Rows) -> Total:
        """A batch that counts for nothing has the mean 0."""
        count = tf.reduce_sum(rows.weight)
        return cls(count, tf.math.divide_no_nan(tf.reduce_sum(rows.counted() * rows.weight), count))


def shares(weight: tf.Tensor, importance: float) -> tf.Tensor:
    """The objective's derivative by each value: `importance` * w / sum(w) along the last axis, 0 where the sum is."""
    count = tf.reduce_sum(weight, axis=-1, keepdims=True)
    return weight * tf.math.divide_no_nan(tf.constant(importance, weight.dtype), count)


def derivatives(rows: Rows, total: Total, importance: tf.Tensor) -> Rows:
    """The objective's derivatives by values and weights, of some rows of a batch that has this total.

    `importance`: a scalar. The objective is the sum over losses of importance * m, m = sum(v * w) / sum(w): by v it is
    w / sum(w), by w it is (v - m) / sum(w).
    """
    scale = tf.math.divide_no_nan(tf.cast(importance, total.count.dtype), total.count)
    return Rows(rows.weight * scale, (rows.counted() - total.mean) * scale)


def sums(rows: Rows) -> dict[str, tf.Tensor]:
    """The state of a loss, along the last axis; in float64, so that long sums stay exact."""
    return {
        "sum": tf.reduce_sum(wide(rows.counted() * rows.weight), axis=-1),
        "count": tf.reduce_sum(wide(rows.weight), axis=-1),
    }


def wide(tensor: tf.Tensor) -> tf.Tensor:
    """What is floating as float64."""
    return tf.cast(tensor, tf.float64) if tensor.dtype.is_floating else tensor


def objective(graph: Graph, stacked: Stacked, factors: Mapping[str, np.ndarray]) -> np.ndarray:
    """The minimised value of each of k steps: (k,) float64. `factors`: (k,), by which weights of losses change."""
    total = np.zeros(len(next(iter(stacked.values()))["count"]))
    for path, loss in graph.loss_layers.items():
        parts, weight = stacked[path], loss.weight * factors.get(path, 1.0)
        total += weight * parts["sum"] / np.where(parts["count"] == 0, 1, parts["count"])
    return total


def merged(graph: Graph, stacked: Stacked) -> MetricStates:
    """The states of k steps, each part (k, ...), joined into one."""
    result: MetricStates = {}
    for path, parts in stacked.items():
        metric = graph.metric_layers.get(path)
        if metric is None:
            result[path] = {name: values.sum(axis=0) for name, values in parts.items()}
        else:
            steps: Sequence[dict[str, Any]] = [
                dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)
            ]
            result[path] = metric.merge(steps)
    return result
