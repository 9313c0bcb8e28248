"""What a batch says of the network: the objective, and the states of losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from akid_core.backends.contract import MetricStates
from akid_core.graph.resolved import Graph
from akid_tf.layout import Layout
from akid_tf.module import Forward
from akid_tf.runtime import tf

Tensors = dict[str, dict[str, Any]]
"""For each loss and metric by path: its parts."""

Stacked = Mapping[str, Mapping[str, np.ndarray]]
"""The same on the host, each part (k, ...): of k steps."""


class Minimised(NamedTuple):
    """What a backward pass starts from: tensors, and for each the derivative of the objective by it."""

    tensors: list[tf.Tensor]
    derivatives: list[tf.Tensor]


def minimised(graph: Graph, forward: Forward) -> Minimised:
    """The values and weights of all losses.

    The objective is the sum over losses of weight times m = sum(v * w) / sum(w), so its derivatives are
    w / sum(w) by v and (v - m) / sum(w) by w, times the loss's weight; a batch that counts for nothing gives 0.
    """
    start = Minimised([], [])
    for path, loss in graph.loss_layers.items():
        value, weight = _outputs(forward, path)
        count = tf.reduce_sum(weight)
        mean = tf.math.divide_no_nan(tf.reduce_sum(value * weight), count)
        scale = tf.math.divide_no_nan(tf.constant(loss.weight, count.dtype), count)
        start.tensors.extend((value, weight))
        start.derivatives.extend((weight * scale, (value - mean) * scale))
    return start


def objective(graph: Graph, stacked: Stacked) -> np.ndarray:
    """The minimised value of each of k steps: (k,) float64."""
    total = np.zeros(len(next(iter(stacked.values()))["count"]))
    for path, loss in graph.loss_layers.items():
        parts = stacked[path]
        total += loss.weight * parts["sum"] / np.where(parts["count"] == 0, 1, parts["count"])
    return total


def states(graph: Graph, forward: Forward) -> Tensors:
    """The states of all losses and metrics; what is floating becomes float64, so that long sums stay exact."""
    parts: Tensors = {}
    for path in graph.loss_layers:
        value, weight = _outputs(forward, path)
        parts[path] = {"sum": tf.reduce_sum(_wide(value * weight)), "count": tf.reduce_sum(_wide(weight))}
    for path, metric in graph.metric_layers.items():
        parts[path] = dict(zip(metric.parts, map(_wide, _outputs(forward, path)), strict=True))
    return parts


def types(graph: Graph) -> Tensors:
    """The type of each part, as `states` gives it."""
    parts: Tensors = {path: {"sum": tf.float64, "count": tf.float64} for path in graph.loss_layers}
    for call in graph.metrics:
        metric = graph.metric_layers[call.path]
        declared = (tf.float64 if spec.floating else tf.as_dtype(spec.dtype) for spec in call.out_specs)
        parts[call.path] = dict(zip(metric.parts, declared, strict=True))
    return parts


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


def _outputs(forward: Forward, path: str) -> tuple[tf.Tensor, ...]:
    return tuple(laid.lay(Layout.CANONICAL) for laid in forward.values[path])


def _wide(tensor: tf.Tensor) -> tf.Tensor:
    return tf.cast(tensor, tf.float64) if tensor.dtype.is_floating else tensor
