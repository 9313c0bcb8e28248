"""The train program: one compiled call runs a span of several steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from akid_core.backends.contract import Arrays, SpanResult, Trainer
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError
from akid_core.optimizers.base import Optimizer
from akid_tf.measures import Tensors, merged, minimised, objective, states, types
from akid_tf.module import Forward
from akid_tf.network import Fields, TensorflowNetwork
from akid_tf.optimizer import LiveOptimizer
from akid_tf.runtime import tf

_NUMBER = tf.TensorSpec((), tf.int32)


class Backward(NamedTuple):
    """A forward and a backward pass: the walk, and the gradient for each trained parameter."""

    forward: Forward
    gradients: list[tf.Tensor]


class TensorflowTrainer(Trainer):
    """Trains the variables of a network in place."""

    def __init__(self, network: TensorflowNetwork, optimizer: Optimizer, *, fused: bool) -> None:
        if not network.graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one with `brain.with_loss(...)`, or `losses:` "
                "in YAML."
            )
        self._network = network
        self._trained = network.trained
        self.optimizer = LiveOptimizer(optimizer, self._trained, fused=fused)
        numbers = tf.TensorSpec((None, self.optimizer.width), tf.float64)
        self._span = network.program(self._steps, network.feed.signature(stacked=True), numbers, _NUMBER, _NUMBER)
        self._gradients = network.program(self._gradient, network.feed.signature(), _NUMBER)

    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        rates = enumerate(learning_rates.tolist(), start=span.first_step)
        numbers = np.array([self.optimizer.numbers(rate, step) for step, rate in rates])
        fields = self._network.feed.tensors({**span.fields, Batch.WEIGHTS: span.weights})
        parts = self._span(fields, tf.constant(numbers), tf.constant(span.first_step), tf.constant(span.first_row))
        stacked = {path: {name: part.numpy() for name, part in state.items()} for path, state in parts.items()}
        graph = self._network.graph
        return SpanResult(objective(graph, stacked), merged(graph, stacked))

    def gradients(self, batch: Batch, step: int) -> Arrays:
        fields = self._network.feed.tensors({**batch.fields, Batch.WEIGHTS: batch.weights})
        gradients = zip(self._trained, self._gradients(fields, tf.constant(step)), strict=True)
        return {parameter.path: parameter.canonical(gradient) for parameter, gradient in gradients}

    def read_slots(self) -> Arrays:
        return self.optimizer.read()

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        self.optimizer.fill(values)

    def _steps(self, fields: Fields, numbers: tf.Tensor, first_step: tf.Tensor, first_row: tf.Tensor) -> Tensors:
        """All steps of a span, one after the other on the device: the states of each, stacked.

        fields: each (k, batch, ...). numbers: float64 (k, ...), what each step needs of the host.
        """
        count = tf.shape(numbers)[0]
        arrays = tf.nest.map_structure(lambda dtype: tf.TensorArray(dtype, count), types(self._network.graph))

        def step(index: tf.Tensor, arrays: Any) -> tuple[tf.Tensor, Any]:
            batch = {name: tf.gather(values, index) for name, values in fields.items()}
            measured = self._step(batch, tf.gather(numbers, index), first_step + index, first_row)
            return index + 1, tf.nest.map_structure(lambda array, value: array.write(index, value), arrays, measured)

        _, arrays = tf.while_loop(lambda index, _: index < count, step, (0, arrays), parallel_iterations=1)
        return tf.nest.map_structure(lambda array: array.stack(), arrays)

    def _step(self, batch: Fields, numbers: tf.Tensor, step: tf.Tensor, first_row: tf.Tensor) -> Tensors:
        """One step: parameters, slots and state take their new values."""
        forward, gradients = self._differentiate(batch, step, first_row)
        self.optimizer.apply(gradients, numbers)
        for path, value in forward.updates.items():
            self._network.native(path).assign(value)
        return states(self._network.graph, forward)

    def _gradient(self, batch: Fields, step: tf.Tensor) -> list[tf.Tensor]:
        return self._differentiate(batch, step, tf.constant(0)).gradients

    def _differentiate(self, batch: Fields, step: tf.Tensor, first_row: tf.Tensor) -> Backward:
        """One batch in training. `step`, `first_row`: int32 numbers."""
        network = self._network
        variables = [parameter.variable for parameter in self._trained]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            forward = network.forward(
                network.measured, batch, training=True, step=tf.reshape(step, [1]), first_row=first_row
            )
        targets, derivatives = minimised(network.graph, forward)
        gradients = tape.gradient(targets, variables, derivatives, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return Backward(forward, [tf.convert_to_tensor(gradient) for gradient in gradients])
