"""The train program: one compiled call runs a span of several steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from akid_core.backends.contract import Arrays, SpanResult, Trainer
from akid_core.backends.plan import Plan
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, UnknownNameError, suggest
from akid_core.graph.resolved import Value
from akid_core.optimizers.regime import Regime
from akid_tf.gradient import Aim, Given, Moment, Whole
from akid_tf.measures import merged, objective
from akid_tf.network import Fields, TensorflowNetwork
from akid_tf.parts import Parts
from akid_tf.phases import Turns
from akid_tf.program import Program
from akid_tf.regime import LiveRegime
from akid_tf.runtime import host, tf
from akid_tf.span import NUMBER, DefaultSpan, SpanProgram
from akid_tf.step import OBJECTIVE, UserStep
from akid_tf.xla import CompiledSpan


class TensorflowTrainer(Trainer):
    """Trains the variables of a network in place."""

    def __init__(self, network: TensorflowNetwork, regime: Regime, plan: Plan) -> None:
        check(network)
        self._network = network
        self.regime = LiveRegime(regime, network, fused=plan.fused, rated=bool(plan.step))
        self._passes = Parts(network, plan.micro_batches) if plan.micro_batches > 1 else Whole(network)
        own = UserStep(plan.step, network, self.regime) if plan.step else None
        step = own or Turns(network, self.regime, self._passes)
        steps = SpanProgram(network, self.regime, step, own.extra if own else {})
        self._default = DefaultSpan(network, steps)
        self._compiled = CompiledSpan(network, steps, plan.bundle) if plan.compile else None
        self._gradients: dict[tuple[Value, ...], Program] = {}

    def run(
        self, span: Span, learning_rates: np.ndarray, loss_weights: Mapping[str, np.ndarray] | None = None
    ) -> SpanResult:
        factors, rates = loss_weights or {}, learning_rates.reshape(span.steps, len(self.regime.phases))
        numbers = self.regime.numbers(span.first_step, rates, factors)
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        full = self._compiled is not None and self._compiled.takes(span.weights.shape[1])
        run = self._compiled if full else self._default
        stacked = dict(run(fields, numbers, span.first_step, span.first_row))
        own = stacked.pop(OBJECTIVE, None)
        graph = self._network.graph
        return SpanResult(own[OBJECTIVE] if own else objective(graph, stacked, factors), merged(graph, stacked))

    def gradients(self, batch: Batch, step: int, values: Sequence[Value] = ()) -> Arrays:
        values, feed = tuple(values), self._network.feed
        if values not in self._gradients:
            self._gradients[values] = self._differentiating(values)
        fields = feed.tensors({**batch.fields, Batch.WEIGHTS: batch.weights})
        params, slopes = self._gradients[values](fields, tf.constant(step))
        found = {each.path: each.canonical(slope) for each, slope in zip(self._network.trained, params, strict=True)}
        rows = slice(None) if len(batch) else slice(0, 0)
        return found | {str(value): host(slope)[rows] for value, slope in zip(values, slopes, strict=True)}

    def read_slots(self) -> Arrays:
        return self.regime.read()

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        self.regime.fill(values)

    def _differentiating(self, values: tuple[Value, ...]) -> Program:
        """What computes the gradient of the objective by all that is trained, and by some values.

        Raises `UnknownNameError` for one on which the objective does not depend.
        """
        network = self._network
        known = [Value(call.path, output) for call in network.graph.practised for output in range(len(call.out_specs))]
        if strange := next((value for value in values if value not in known), None):
            near = suggest(str(strange), map(str, known))
            raise UnknownNameError(
                f"There is no gradient by {str(strange)!r}: no block gives it on the way to a loss.{near} Blocks that "
                f"are there: {', '.join(map(str, known))}."
            )

        def run(fields: Fields, step: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
            given = Given(dict(fields), {}, {}) if values else Given.of(network, fields)  # a loss may be a value, too
            aims, moment = [Aim.whole(network)], Moment(step, tf.constant(0))
            slopes = self._passes.first(given, moment, aims, learning=False, values=values).slopes
            return slopes.params[0], slopes.values

        return network.program(run, network.feed.signature(), NUMBER)


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
