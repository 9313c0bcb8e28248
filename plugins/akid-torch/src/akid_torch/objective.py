"""Objective: what a step minimises, from the declared graph, with its gradients and with what is measured beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
import torch
from torch import Tensor

from akid_core.backends.contract import MetricStates, SpanResult, Watcher
from akid_core.data.batch import Batch
from akid_core.errors import ConfigurationError
from akid_core.graph.resolved import Value
from akid_torch.applied import Tap, Watching
from akid_torch.context import Frame
from akid_torch.network import TorchNetwork
from akid_torch.passing import Pass
from akid_torch.program import Program
from akid_torch.terms import LossTerm, MetricTerm

Values = tuple[Tensor, ...]
"""The fields of one batch that the program takes, in its order."""

Part = tuple[Values, Frame]
"""Some rows of a batch, or all."""

Gradients = Sequence[Tensor | None]
"""One for each tensor by which something is differentiated, None where it is zero."""

Terms = dict[int, Tensor]
"""What some losses, by number, add to what is minimised."""

Totals = Mapping[int, Tensor | float]
"""What all rows of a step weigh together in some losses, by number."""


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """Some losses, by number, whose sum is differentiated by some tensors."""

    losses: tuple[int, ...]
    tensors: Sequence[Tensor]


class Objective:
    """The losses and metrics of a network in training.

    Between `begin` and `finish` every step notes what it gave; nothing is fetched from the device in between. `whole`:
    the first pass of a step, which computes all losses and metrics, and what is kept.
    """

    whole: Pass
    losses: list[LossTerm]
    metrics: list[MetricTerm]

    def __init__(self, network: TorchNetwork, recompute: Sequence[str] = ()) -> None:
        if not network.graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one with `brain.with_loss(...)`, or `losses:` "
                "in YAML."
            )
        self._network, self._recompute = network, recompute
        self._gradients: list[Gradients] = []
        self._shown: tuple[Watcher, ...] | None = None
        self.follow()

    def follow(self) -> None:
        """Let those see it who watch the network by now; losses and metrics begin anew where that has changed."""
        if self._shown == self._network.watchers:
            return
        self._shown, graph, modules = self._network.watchers, self._network.graph, self._network.module.by_path
        taps = self.taps
        self.losses = [LossTerm(call, modules[call.path], taps) for call in graph.losses]
        self.metrics = [MetricTerm(call, modules[call.path], taps) for call in graph.metrics]
        self.whole = Pass(
            modules,
            graph.practised,
            dict(enumerate(self.losses)),
            self.metrics,
            recompute=self._recompute,
            taps=taps,
        )
        self._some: dict[tuple[int, ...], tuple[Pass, tuple[int, ...]]] = {}

    @property
    def taps(self) -> list[Tap]:
        """Those who watch."""
        return [Watching(watcher) for watcher in self._network.watchers]

    @property
    def program(self) -> Program:
        """What the first pass of a step runs."""
        return self.whole.program

    @property
    def every_loss(self) -> tuple[int, ...]:
        """The numbers of all losses."""
        return tuple(range(len(self.losses)))

    def begin(self, fields: Mapping[str, np.ndarray], loss_weights: Mapping[str, np.ndarray] | None = None) -> None:
        """Start a span; fields, the sample weights with them: (k, n, ...). `loss_weights`: as `Trainer.run` has it."""
        self.follow()
        weights, factors = fields[Batch.WEIGHTS], loss_weights or {}
        used = {name: fields[name] for name in self.program.fields if name in fields}
        for loss in self.losses:
            loss.begin(used, weights, factors.get(loss.path))
        for metric in self.metrics:
            metric.begin(weights)

    def steps(self, fields: Mapping[str, np.ndarray], program: Program | None = None) -> list[Values]:
        """What each step takes of the fields; each field goes to the device once, for all steps."""
        stacked = self._network.tensors(program or self.program, fields)
        return list(zip(*(tensor.unbind(0) for tensor in stacked), strict=True))

    def __call__(self, values: Values, frame: Frame) -> Tensor:
        """One forward pass, noted: what is minimised."""
        return _total(self._first(values, frame), self.every_loss)

    def gradients(
        self, values: Values, frame: Frame, index: int, aims: Sequence[Aim], *, noted: bool = True
    ) -> list[Gradients]:
        """Of one forward pass, and as many backward passes as there are aims.

        The first pass of step `index` in the span is noted, and computes everything; another one what its aims need.
        """
        with self._network.module.narrowed():  # also for what the backward pass computes again
            terms = self._first(values, frame) if noted else self._again(values, frame, index, aims)
            return self.backward(terms, aims)

    def gradients_of_parts(
        self, parts: Iterable[Part], index: int, aims: Sequence[Aim], *, noted: bool = True
    ) -> list[Gradients]:
        """The same, computed part by part: each has some rows, and is let go before the next."""
        passing, places = (self.whole, None) if noted else self._partly(aims)
        parts = [(_picked(values, places), frame) for values, frame in parts]
        totals = self.totals(passing, parts, index)
        sums: list[Gradients] = [[None] * len(aim.tensors) for aim in aims]
        for part in parts:
            with self._network.module.narrowed():
                found = self.backward(self.shares(passing, part, index, totals, noted=noted), aims)
            sums = [[added(*pair) for pair in zip(*each, strict=True)] for each in zip(sums, found, strict=True)]
        return sums

    def totals(self, passing: Pass, parts: Iterable[Part], index: int) -> Totals:
        """What all rows weigh in each loss of a pass.

        It is known of the usual losses; where it is not, a pass over all parts finds it.
        """
        known = {number: self.losses[number].total(index) for number in passing.numbers}
        if None not in known.values():
            return known  # type: ignore[return-value]
        weighed, updates = [], dict[Tensor, Tensor]()
        with torch.no_grad():
            for values, frame in parts:
                looking = replace(frame, learning=False, updates=updates)
                inputs = passing.losses(self._network.module.run(passing.program, values, looking))
                weighed.append(torch.stack([loss.weigh(given, looking) for _, loss, given in inputs]))
        return dict(zip(passing.numbers, torch.stack(weighed).sum(0), strict=True))

    def shares(self, passing: Pass, part: Part, index: int, totals: Totals, *, noted: bool) -> Terms:
        """What some rows give to each loss, where all rows weigh `totals`; noted, they are added to the step's."""
        values, frame = part
        slots = self._network.module.run(passing.program, values, frame)
        terms = {
            number: loss.part(inputs, frame, index, totals[number], noted=noted)
            for number, loss, inputs in passing.losses(slots)
        }
        if noted:
            passing.measure(slots, frame)
        return terms

    def finish(self) -> SpanResult:
        """What the steps since `begin` gave."""
        contributions, states = zip(*(loss.finish() for loss in self.losses), strict=True)
        measures: MetricStates = dict(zip((loss.path for loss in self.losses), states, strict=True))
        measures.update({metric.path: metric.finish() for metric in self.metrics})
        return SpanResult(np.sum(contributions, axis=0), measures)

    def _first(self, values: Values, frame: Frame) -> Terms:
        """The first pass of a step. Activations are let go on return, so the backward pass frees them on its way."""
        slots = self._network.module.run(self.whole.program, values, frame)
        terms = {number: loss.step(inputs, frame) for number, loss, inputs in self.whole.losses(slots)}
        self.whole.measure(slots, frame)
        return terms

    def _again(self, values: Values, frame: Frame, index: int, aims: Sequence[Aim]) -> Terms:
        """Another pass of a step, of what the aims need."""
        passing, places = self._partly(aims)
        slots = self._network.module.run(passing.program, _picked(values, places), frame)
        return {number: loss.again(inputs, frame, index) for number, loss, inputs in passing.losses(slots)}

    def _partly(self, aims: Sequence[Aim]) -> tuple[Pass, tuple[int, ...]]:
        """The pass for the losses of some aims, and where its fields are among those of the first."""
        wanted = tuple(number for number in self.every_loss if any(number in aim.losses for aim in aims))
        if wanted not in self._some:
            losses, network = {number: self.losses[number] for number in wanted}, self._network
            calls = network.graph.needed(Value(loss.path) for loss in losses.values())
            passing = Pass(network.module.by_path, calls, losses, recompute=self._recompute, taps=self.taps)
            self._some[wanted] = passing, tuple(map(self.program.fields.index, passing.program.fields))
        return self._some[wanted]

    def backward(self, terms: Terms, aims: Sequence[Aim]) -> list[Gradients]:
        """The gradients by fresh tensors: nothing is accumulated, so nothing must be zeroed."""
        # The last gradients live until here: freed with all activations before them, they would leave the allocator
        # with nothing in use, which it answers by returning its memory to the system, step after step.
        self._gradients = []
        found: list[Gradients] = []
        for place, aim in enumerate(aims, start=1):
            objective, gradients = _total(terms, aim.losses), [None] * len(aim.tensors)
            if aim.tensors and objective.requires_grad:
                gradients = torch.autograd.grad(
                    objective, aim.tensors, allow_unused=True, retain_graph=place < len(aims)
                )
            found.append(gradients)
        self._gradients = found
        return found


def _total(terms: Terms, numbers: Iterable[int]) -> Tensor:
    return reduce(add, [terms[number] for number in numbers])


def _picked(values: Values, places: Sequence[int] | None) -> Values:
    return values if places is None else tuple(values[place] for place in places)


def added(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """The sum of two gradients; None is zero."""
    return other if one is None else one if other is None else one + other
