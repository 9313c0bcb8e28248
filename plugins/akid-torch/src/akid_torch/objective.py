"""Objective: what a step minimises, from the declared graph, with its gradient and with what is measured beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from akid_core.backends.contract import MetricStates, SpanResult
from akid_core.data.batch import Batch
from akid_core.errors import ConfigurationError
from akid_core.graph.resolved import Value
from akid_core.specs.layer import Loss, Metric
from akid_torch.context import Frame
from akid_torch.network import TorchNetwork
from akid_torch.program import Program, inputs_of
from akid_torch.terms import LossTerm, MetricTerm

Values = tuple[Tensor, ...]
"""The fields of one batch that the program takes, in its order."""

Gradients = Sequence[Tensor | None]
"""One for each parameter that is trained, None where it is zero."""


class Objective:
    """The losses and metrics of a network in training.

    Between `begin` and `finish` every step notes what it gave; nothing is fetched from the device in between.
    """

    def __init__(self, network: TorchNetwork, params: Sequence[Tensor], recompute: Sequence[str] = ()) -> None:
        graph, modules = network.graph, network.module.by_path
        if not graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one with `brain.with_loss(...)`, or `losses:` "
                "in YAML."
            )
        measures = graph.losses + graph.metrics
        needed = graph.needed(Value(call.path) for call in measures)
        self.program = Program(
            modules,
            [call for call in needed if not isinstance(call.layer, Loss | Metric)],
            {value: f"The block {call.path!r}" for call in reversed(measures) for value in inputs_of(call)},
            recompute,
        )
        if self.program.delayed:
            raise ConfigurationError(
                f"{self.program.delayed[0]} is a delayed value: the torch backend runs a brain with delays, but does "
                "not train through them."
            )
        self.losses = [LossTerm(call, modules[call.path], self.program.sources(call)) for call in graph.losses]
        self.metrics = [MetricTerm(call, modules[call.path], self.program.sources(call)) for call in graph.metrics]
        self._network, self._params = network, params
        self._gradients: Gradients = ()

    def begin(self, fields: Mapping[str, np.ndarray]) -> None:
        """Start a span; fields, the sample weights with them: (k, n, ...)."""
        weights = fields[Batch.WEIGHTS]
        used = {name: fields[name] for name in self.program.fields if name in fields}
        for loss in self.losses:
            loss.begin(used, weights)
        for metric in self.metrics:
            metric.begin(weights)

    def steps(self, fields: Mapping[str, np.ndarray]) -> list[Values]:
        """What each step takes of the fields; each field goes to the device once, for all steps."""
        stacked = self._network.tensors(self.program, fields)
        return list(zip(*(tensor.unbind(0) for tensor in stacked), strict=True))

    def __call__(self, values: Values, frame: Frame) -> Tensor:
        """One forward pass. Activations are let go on return, so the backward pass frees them on its way."""
        slots = self._network.module.run(self.program, values, frame)
        objective = self.losses[0].step(slots, frame)
        for loss in self.losses[1:]:
            objective = objective + loss.step(slots, frame)
        if self.metrics:
            with torch.no_grad():
                for metric in self.metrics:
                    metric.step(slots, frame)
        return objective

    def gradient(self, values: Values, frame: Frame) -> Gradients:
        """Of one forward and one backward pass."""
        with self._network.module.narrowed():  # also for what the backward pass computes again
            return self.backward(self(values, frame))

    def gradient_of_parts(self, parts: Iterable[tuple[Values, Frame]], index: int) -> Gradients:
        """Of step `index` in the span, computed part by part: each has some rows, state follows it, and it is let go.

        A loss is a weighted mean over the whole batch. What the whole batch weighs is known of the usual losses;
        where it is not, a pass over all parts finds it first.
        """
        parts, module = list(parts), self._network.module
        totals = self._totals(parts, index)
        sums: list[Tensor | None] = [None] * len(self._params)
        for values, frame in parts:
            with module.narrowed():
                gradients = self.backward(self._part(values, frame, index, totals))
            for place, gradient in enumerate(gradients):
                before = sums[place]
                sums[place] = gradient if before is None or gradient is None else before + gradient
            if frame.learning:
                frame.settle()
        return sums

    def backward(self, objective: Tensor) -> Gradients:
        """The gradient by fresh tensors: nothing is accumulated, so nothing must be zeroed."""
        # The last gradients live until here: freed with all activations before them, they would leave the allocator
        # with nothing in use, which it answers by returning its memory to the system, step after step.
        self._gradients = [None] * len(self._params)
        if self._params and objective.requires_grad:
            self._gradients = torch.autograd.grad(objective, self._params, allow_unused=True)
        return self._gradients

    def finish(self) -> SpanResult:
        """What the steps since `begin` gave."""
        contributions, states = zip(*(loss.finish() for loss in self.losses), strict=True)
        measures: MetricStates = dict(zip((loss.path for loss in self.losses), states, strict=True))
        measures.update({metric.path: metric.finish() for metric in self.metrics})
        return SpanResult(np.sum(contributions, axis=0), measures)

    def _part(self, values: Values, frame: Frame, index: int, totals: Sequence[Tensor | float]) -> Tensor:
        slots = self._network.module.run(self.program, values, frame)
        shares = [loss.part(slots, frame, index, total) for loss, total in zip(self.losses, totals, strict=True)]
        with torch.no_grad():
            for metric in self.metrics:
                metric.step(slots, frame)
        return torch.stack(shares).sum()

    def _totals(self, parts: Sequence[tuple[Values, Frame]], index: int) -> list[Tensor | float]:
        """What all rows weigh in each loss."""
        known = [loss.total(index) for loss in self.losses]
        if None not in known:
            return known  # type: ignore[return-value]
        weighed = []
        with torch.no_grad():
            for values, frame in parts:
                looking = Frame(frame.training, frame.step, frame.rows)
                slots = self._network.module.run(self.program, values, looking)
                weighed.append(torch.stack([loss.weigh(slots, looking) for loss in self.losses]))
        return list(torch.stack(weighed).sum(0))
