"""What a batch says of the network: the objective, and the states of losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from akid_core.backends.contract import MetricStates
from akid_core.graph.resolved import Graph
from akid_tf.layout import Layout
from akid_tf.module import Forward
from akid_tf.runtime import tf

Tensors = dict[str, dict[str, Any]]
"""For each loss and metric by path: its parts."""


def objective(graph: Graph, forward: Forward) -> tf.Tensor:
    """The sum over losses of weight times weighted mean; a batch that counts for nothing gives 0."""
    terms = []
    for path, loss in graph.loss_layers.items():
        value, weight = _outputs(forward, path)
        mean = tf.math.divide_no_nan(tf.reduce_sum(value * weight), tf.reduce_sum(weight))
        terms.append(mean if loss.weight == 1.0 else mean * loss.weight)
    return tf.add_n(terms)


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


def merged(graph: Graph, stacked: Mapping[str, Mapping[str, np.ndarray]]) -> MetricStates:
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
