"""Span: a loop of steps, as one program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from akid_core.data.batch import Batch
from akid_core.specs.layer import Metric
from akid_tf.gradient import Given, Moment
from akid_tf.measures import Rows, Stacked, Tensors, sums
from akid_tf.network import Fields, TensorflowNetwork
from akid_tf.optimizer import Numbers
from akid_tf.regime import LiveRegime
from akid_tf.runtime import host, tf

NUMBER = tf.TensorSpec((), tf.int32)

Step = Callable[[Given, Moment, Sequence[Mapping[str, Numbers]]], Tensors]
"""One step: parameters, slots and state take their new values; what it measured, see `noted`."""


def noted(network: TensorflowNetwork, losses: Mapping[str, Rows], metrics: Tensors) -> Tensors:
    """What a step keeps of its measures: of a loss the rows (their weights only where they are its own)."""
    found: Tensors = dict(metrics)
    for path, rows in losses.items():
        dtype = network.module.reduced(path)
        kept = {"value": rows.value} if network.module.uniform(path) else rows._asdict()
        found[path] = {name: tf.cast(tensor, dtype) for name, tensor in kept.items()}
    return found


class SpanProgram:
    """All steps of a span, one after the other on the device.

    What need not be in the loop is not: it takes stacked fields apart, and leaves sums to be formed of all its rows.
    """

    def __init__(self, network: TensorflowNetwork, regime: LiveRegime, step: Step, extra: Tensors) -> None:
        """`extra`: the types of what a step notes beside losses and metrics."""
        self._network, self._regime, self._step = network, regime, step
        self._types = {**_types(network), **extra}

    def numbers(self, steps: int | None) -> tf.TensorSpec:
        """The spec of what so many steps need of the host."""
        return tf.TensorSpec((steps, self._regime.width), tf.float64)

    def __call__(self, fields: Mapping[str, tf.Tensor], numbers: tf.Tensor, steps: tf.Tensor, first: Moment) -> Tensors:
        """The states of losses and metrics of each step, each part (k, ...).

        fields: each (k, batch, ...). numbers: float64 (k, width). steps: how many are taken of the k that there is room
        for.
        """
        given = Given.of(self._network, fields, self._regime.factors(numbers))
        typed = self._regime.typed(numbers)
        room = tf.shape(numbers)[0] if numbers.shape[0] is None else numbers.shape[0]
        arrays = tf.nest.map_structure(lambda dtype: tf.TensorArray(dtype, room), self._types)

        def step(index: tf.Tensor, arrays: Any) -> tuple[tf.Tensor, Any]:
            here, scalars = tf.nest.map_structure(lambda stacked: tf.gather(stacked, index), (given, typed))
            found = self._step(here, Moment(first.step + index, first.first_row), scalars)
            return index + 1, tf.nest.map_structure(lambda array, value: array.write(index, value), arrays, found)

        _, arrays = tf.while_loop(lambda index, _: index < steps, step, (0, arrays), parallel_iterations=1)
        return self._summed(tf.nest.map_structure(lambda array: array.stack(), arrays), fields[Batch.WEIGHTS])

    def _summed(self, stacked: Tensors, weights: tf.Tensor) -> Tensors:
        """The rows of losses (k, batch) as sums (k,)."""
        losses = self._network.graph.loss_layers
        rows = {
            path: Rows(parts["value"], parts.get("weight", tf.cast(weights, parts["value"].dtype)))
            for path, parts in stacked.items()
            if path in losses
        }
        return {path: sums(rows[path]) if path in rows else parts for path, parts in stacked.items()}


class DefaultSpan:
    """Spans by one program, traced once for any number of steps and rows."""

    def __init__(self, network: TensorflowNetwork, steps: SpanProgram) -> None:
        self._network, self._steps = network, steps
        self._program = network.program(self._run, network.feed.signature(None), steps.numbers(None), NUMBER, NUMBER)

    def __call__(
        self, fields: Mapping[str, np.ndarray], numbers: np.ndarray, first_step: int, first_row: int
    ) -> Stacked:
        """The states of losses and metrics of each step, each part (k, ...)."""
        first = tf.constant(first_step), tf.constant(first_row)
        parts = self._program(self._network.feed.tensors(fields), tf.constant(numbers), *first)
        stacked: Stacked = tf.nest.map_structure(host, parts)
        return stacked

    def _run(self, fields: Fields, numbers: tf.Tensor, first_step: tf.Tensor, first_row: tf.Tensor) -> Tensors:
        return self._steps(fields, numbers, tf.shape(numbers)[0], Moment(first_step, first_row))


def _types(network: TensorflowNetwork) -> Tensors:
    """The type of each thing that a step keeps."""
    found: Tensors = {}
    for path in network.graph.loss_layers:
        names = ("value",) if network.module.uniform(path) else Rows._fields
        found[path] = dict.fromkeys(names, tf.as_dtype(network.module.reduced(path)))
    for call in network.graph.metrics:
        assert isinstance(call.layer, Metric)
        declared = (tf.float64 if spec.floating else tf.as_dtype(spec.dtype) for spec in call.out_specs)
        found[call.path] = dict(zip(call.layer.parts, declared, strict=True))
    return found
