"""The train program in torch: forward, gradient, update; one eager step after the other, nothing fetched in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from akid_core.backends.contract import Arrays, SpanResult, Trainer
from akid_core.backends.plan import Plan
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError, UnknownNameError, suggest
from akid_core.graph.resolved import Value
from akid_core.optimizers.base import Optimizer
from akid_core.specs.layer import Loss, Metric
from akid_torch.context import Frame
from akid_torch.fused import updater
from akid_torch.network import TorchNetwork
from akid_torch.program import Program, inputs_of
from akid_torch.terms import LossTerm, MetricTerm


class TorchTrainer(Trainer):
    """Trains the parameters of a network in place.

    `torch.autograd.grad` gives the gradients as fresh tensors: nothing is accumulated, so nothing must be zeroed.
    """

    def __init__(self, network: TorchNetwork, optimizer: Optimizer, plan: Plan) -> None:
        graph, modules = network.graph, network.module.by_path
        if not graph.losses:
            raise ConfigurationError(
                "A brain without a loss has nothing to learn from: add one with `brain.with_loss(...)`, or `losses:` "
                "in YAML."
            )
        measures = graph.losses + graph.metrics
        needed = graph.needed(Value(call.path) for call in measures)
        self._program = Program(
            modules,
            [call for call in needed if not isinstance(call.layer, Loss | Metric)],
            {value: f"The block {call.path!r}" for call in reversed(measures) for value in inputs_of(call)},
        )
        if self._program.delayed:
            raise ConfigurationError(
                f"{self._program.delayed[0]} is a delayed value: the torch backend runs a brain with delays, but does "
                "not train through them."
            )
        self._losses = [LossTerm(call, modules[call.path], self._program.sources(call)) for call in graph.losses]
        self._metrics = [MetricTerm(call, modules[call.path], self._program.sources(call)) for call in graph.metrics]
        self._network, self._optimizer = network, optimizer
        self._paths = network.trained
        self._params = [network.native(path) for path in self._paths]
        self._gradients: Sequence[Tensor | None] = ()
        axes = [network.home(path).lying for path in self._paths]
        self._updater = updater(optimizer, network.ops, self._paths, self._params, axes, fused=plan.fused)
        self._slots = {
            f"{name}:{path}": (network.home(path), slots[index])
            for index, path in enumerate(self._paths)
            for name, slots in self._updater.slots.items()
        }

    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        frames = self._frames(span.weights, span.first_step, span.first_row, learning=True)
        self._begin(fields)
        steps = zip(self._steps(fields), frames, learning_rates.tolist(), strict=True)
        for count, (values, frame, rate) in enumerate(steps, start=span.first_step + 1):
            self._updater.step(self._differentiate(values, frame), rate, count)
            frame.settle()
        contributions, states = zip(*(term.finish() for term in self._losses), strict=True)
        measures = dict(zip((term.path for term in self._losses), states, strict=True))
        measures.update({term.path: term.finish() for term in self._metrics})
        return SpanResult(np.sum(contributions, axis=0), measures)

    def gradients(self, batch: Batch, step: int) -> Arrays:
        fields = {name: array[None] for name, array in {**batch.fields, Batch.WEIGHTS: batch.weights}.items()}
        self._begin(fields)
        (frame,) = self._frames(batch.weights[None], step, first_row=0, learning=False)
        gradients = self._differentiate(self._steps(fields)[0], frame)
        return {
            path: self._network.home(path).read(torch.zeros_like(param) if gradient is None else gradient)
            for path, param, gradient in zip(self._paths, self._params, gradients, strict=True)
        }

    def read_slots(self) -> Arrays:
        return {name: home.read(slot) for name, (home, slot) in self._slots.items()}

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        for name in values:
            if name not in self._slots:
                raise UnknownNameError(
                    f"{self._optimizer.component()} keeps nothing called {name!r}.{suggest(name, self._slots)} "
                    f"It keeps: {', '.join(self._slots) or 'nothing'}."
                )
        for name, (home, slot) in self._slots.items():
            if name in values:
                home.fill(slot, values[name])
            else:
                slot.zero_()

    def _begin(self, fields: Mapping[str, np.ndarray]) -> None:
        weights = fields[Batch.WEIGHTS]
        used = {name: fields[name] for name in self._program.fields if name in fields}
        for loss in self._losses:
            loss.begin(used, weights)
        for metric in self._metrics:
            metric.begin(weights)

    def _steps(self, fields: Mapping[str, np.ndarray]) -> list[tuple[Tensor, ...]]:
        """For each step the values of the program's fields; each field goes to the device once, for all steps."""
        stacked = self._network.tensors(self._program, fields)
        return list(zip(*(tensor.unbind(0) for tensor in stacked), strict=True))

    def _frames(self, weights: np.ndarray, first_step: int, first_row: int, *, learning: bool) -> list[Frame]:
        (steps, rows), device = weights.shape, self._network.module.device
        numbers = torch.arange(first_step, first_step + steps, dtype=torch.int32, device=device)[:, None].unbind(0)
        numbered = torch.arange(first_row, first_row + rows, dtype=torch.int32, device=device)
        return [Frame(True, number, numbered, learning) for number in numbers]

    def _differentiate(self, values: tuple[Tensor, ...], frame: Frame) -> Sequence[Tensor | None]:
        """One forward and one backward pass: the gradient of the objective by parameter, None where it is zero."""
        objective = self._objective(values, frame)
        # The last gradients live until here: freed with all activations before them, they would leave the allocator
        # with nothing in use, which it answers by returning its memory to the system, step after step.
        self._gradients = [None] * len(self._params)
        if self._params and objective.requires_grad:
            self._gradients = torch.autograd.grad(objective, self._params, allow_unused=True)
        return self._gradients

    def _objective(self, values: tuple[Tensor, ...], frame: Frame) -> Tensor:
        """What the step minimises. Activations are let go on return, so the backward pass frees them on its way."""
        slots = self._network.module.run(self._program, values, frame)
        objective = self._losses[0].step(slots, frame)
        for loss in self._losses[1:]:
            objective = objective + loss.step(slots, frame)
        if self._metrics:
            with torch.no_grad():
                for metric in self._metrics:
                    metric.step(slots, frame)
        return objective
