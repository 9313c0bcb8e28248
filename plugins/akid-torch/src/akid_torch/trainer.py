"""The train program in torch: forward, gradient, update; one eager step after the other, nothing fetched in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from akid_core.backends.contract import Arrays, SpanResult, Trainer
from akid_core.backends.plan import Plan
from akid_core.backends.step import load_step, warn_idle
from akid_core.data.batch import Batch, Span
from akid_core.errors import UnknownNameError, suggest
from akid_core.optimizers.base import Optimizer
from akid_torch.compiled import CompiledSteps
from akid_torch.context import Frame
from akid_torch.deterministic import deterministic
from akid_torch.fused import updater
from akid_torch.microbatch import parts
from akid_torch.network import TorchNetwork
from akid_torch.objective import Gradients, Objective, Values
from akid_torch.places import standing_in
from akid_torch.step import TorchStep


class TorchTrainer(Trainer):
    """Trains the parameters of a network in place.

    A span takes one of three ways: compiled, where the plan says so and the span is a full one; by the user's own step;
    or step by step.
    """

    def __init__(self, network: TorchNetwork, optimizer: Optimizer, plan: Plan) -> None:
        self._network, self._optimizer, self._plan = network, optimizer, plan
        self._params = {path: network.native(path) for path in network.trained}
        homes = [network.home(path) for path in self._params]
        self._objective = Objective(network, list(self._params.values()), plan.recompute)
        axes = [home.lying for home in homes]
        self._updater = updater(
            optimizer, network.ops, list(self._params), list(self._params.values()), axes, fused=plan.fused
        )
        self._slots = {
            f"{name}:{home.path}": (home, slots[index])
            for index, home in enumerate(homes)
            for name, slots in self._updater.slots.items()
        }
        self._own_step = load_step(plan.step) if plan.step else None
        self._idle = bool(self._params)  # until a first step has shown otherwise, or has been told of
        self._compiled = CompiledSteps(network, self._objective, self._updater, plan.bundle) if plan.compile else None

    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        with deterministic() if self._plan.deterministic else nullcontext():
            if self._compiled is not None and self._compiled.serves(span):
                return self._compiled.run(span, learning_rates)
            with self._frozen_state():
                return self._run_own(span, learning_rates) if self._own_step else self._run(span, learning_rates)

    def gradients(self, batch: Batch, step: int) -> Arrays:
        fields = {name: array[None] for name, array in {**batch.fields, Batch.WEIGHTS: batch.weights}.items()}
        with deterministic() if self._plan.deterministic else nullcontext():
            self._objective.begin(fields)
            (frame,) = self._frames(batch.weights[None], step, first_row=0, learning=False)
            gradients = self._gradients(self._objective.steps(fields)[0], frame, 0)
        return {
            path: self._network.home(path).read(torch.zeros_like(param) if gradient is None else gradient)
            for (path, param), gradient in zip(self._params.items(), gradients, strict=True)
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

    def _run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        """Step after step, uncompiled."""
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        frames = self._frames(span.weights, span.first_step, span.first_row, learning=True)
        self._objective.begin(fields)
        steps = zip(self._objective.steps(fields), frames, learning_rates.tolist(), strict=True)
        for index, (values, frame, rate) in enumerate(steps):
            self._updater.step(self._gradients(values, frame, index), rate, span.first_step + index + 1)
            frame.settle()
        return self._objective.finish()

    def _run_own(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        """Step after step by the user's own function."""
        assert self._own_step is not None, "only a plan with a step comes here"
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        frames = self._frames(span.weights, span.first_step, span.first_row, learning=True)
        self._objective.begin(fields)
        objectives = []
        steps = zip(self._objective.steps(fields), frames, learning_rates.tolist(), strict=True)
        for number, (values, frame, rate) in enumerate(steps, start=span.first_step):
            step = TorchStep(
                fields=dict(zip(self._objective.program.fields, values, strict=True)),
                parameters=self._params,
                number=number,
                learning_rate=rate,
                objective=lambda values=values, frame=frame: self._objective(values, frame),  # type: ignore[misc]
                update=lambda gradients, rate=rate, count=number + 1: self._updater.step(gradients, rate, count),  # type: ignore[misc]
            )
            with self._network.module.narrowed():
                objectives.append(step.take(self._own_step))
            if self._idle and not step.updated:
                warn_idle(self._plan.step)
            self._idle = False
            frame.settle()
        minimised = torch.stack(objectives).cpu().numpy().astype(np.float64)
        return SpanResult(minimised, self._objective.finish().measures)

    def _gradients(self, values: Values, frame: Frame, index: int) -> Gradients:
        """Of the batch of step `index` in the span."""
        if self._plan.micro_batches == 1:
            return self._objective.gradient(values, frame)
        return self._objective.gradient_of_parts(parts(values, frame, self._plan.micro_batches), index)

    def _frozen_state(self) -> AbstractContextManager[None]:
        """Inside, passes change copies of the state that is frozen."""
        graph, network = self._network.graph, self._network
        frozen: Iterable[str] = filter(graph.freezes, network.state) if graph.frozen else ()
        return standing_in([(home, home.tensor.clone()) for home in map(network.home, frozen)])

    def _frames(self, weights: np.ndarray, first_step: int, first_row: int, *, learning: bool) -> list[Frame]:
        (steps, rows), device = weights.shape, self._network.module.device
        numbers = torch.arange(first_step, first_step + steps, dtype=torch.int32, device=device)[:, None].unbind(0)
        numbered = torch.arange(first_row, first_row + rows, dtype=torch.int32, device=device)
        return [Frame(True, number, numbered, learning) for number in numbers]
