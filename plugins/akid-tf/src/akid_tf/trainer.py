"""The train program: one compiled call runs a span of several steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from akid_core.backends.contract import Arrays, SpanResult, Trainer
from akid_core.backends.plan import Plan
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError
from akid_core.optimizers.base import Optimizer
from akid_tf.gradient import Given, Moment, Whole
from akid_tf.measures import Tensors, merged, objective
from akid_tf.network import Fields, TensorflowNetwork
from akid_tf.optimizer import LiveOptimizer, Numbers
from akid_tf.parts import Parts
from akid_tf.runtime import tf
from akid_tf.span import NUMBER, DefaultSpan, SpanProgram, noted
from akid_tf.step import OBJECTIVE, UserStep
from akid_tf.xla import CompiledSpan


class TensorflowTrainer(Trainer):
    """Trains the variables of a network in place."""

    def __init__(self, network: TensorflowNetwork, optimizer: Optimizer, plan: Plan) -> None:
        check(network)
        self._network = network
        self._trained = network.trained
        self.optimizer = LiveOptimizer(optimizer, self._trained, fused=plan.fused, rated=bool(plan.step))
        self._differentiate = Parts(network, plan.micro_batches) if plan.micro_batches > 1 else Whole(network)
        own = UserStep(plan.step, network, self.optimizer) if plan.step else None
        steps = SpanProgram(network, self.optimizer, own or self._step, own.extra if own else {})
        self._default = DefaultSpan(network, steps)
        self._compiled = CompiledSpan(network, steps, plan.bundle) if plan.compile else None
        self._gradients = network.program(self._gradient, network.feed.signature(), NUMBER)

    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        rates = enumerate(learning_rates.tolist(), start=span.first_step)
        numbers = np.array([self.optimizer.numbers(rate, step) for step, rate in rates])
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        full = self._compiled is not None and self._compiled.takes(span.weights.shape[1])
        run = self._compiled if full else self._default
        stacked = dict(run(fields, numbers, span.first_step, span.first_row))
        own = stacked.pop(OBJECTIVE, None)
        graph = self._network.graph
        return SpanResult(own[OBJECTIVE] if own else objective(graph, stacked), merged(graph, stacked))

    def gradients(self, batch: Batch, step: int) -> Arrays:
        fields = self._network.feed.tensors({**batch.fields, Batch.WEIGHTS: batch.weights})
        gradients = zip(self._trained, self._gradients(fields, tf.constant(step)), strict=True)
        return {parameter.path: parameter.canonical(gradient) for parameter, gradient in gradients}

    def read_slots(self) -> Arrays:
        return self.optimizer.read()

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        self.optimizer.fill(values)

    def _step(self, given: Given, moment: Moment, numbers: Mapping[str, Numbers]) -> Tensors:
        backward = self._differentiate(given, moment, learning=True)
        self.optimizer.apply(backward.gradients, numbers)
        return noted(self._network, backward.losses, backward.metrics)

    def _gradient(self, fields: Fields, step: tf.Tensor) -> list[tf.Tensor]:
        given, moment = Given.of(self._network, fields), Moment(step, tf.constant(0))
        return self._differentiate(given, moment, learning=False).gradients


def check(network: TensorflowNetwork) -> None:
    """Raise `ConfigurationError` for what cannot be trained."""
    if not network.graph.losses:
        raise ConfigurationError(
            "A brain without a loss has nothing to learn from: add one with `brain.with_loss(...)`, or `losses:` "
            "in YAML."
        )
    if network.graph.precision.compute == "float16":
        raise ConfigurationError(
            "The brain computes in float16, in which small gradients vanish unless losses are scaled, and akid does "
            "not train so: take compute: bfloat16, which has the range of float32."
        )
