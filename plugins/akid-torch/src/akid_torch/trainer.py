"""The train program in torch: forward, gradient, update; one eager step after the other, nothing fetched in between."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from akid_core.backends.contract import Arrays, SpanResult, Trainer
from akid_core.backends.plan import Plan
from akid_core.backends.step import load_step, warn_idle
from akid_core.data.batch import Batch, Span
from akid_core.errors import AkidWarning, ConfigurationError, UnknownNameError, suggest
from akid_core.graph.resolved import Value
from akid_core.optimizers.regime import Regime
from akid_torch.compilable import why_not_by
from akid_torch.compiled import CompiledSteps
from akid_torch.context import Frame
from akid_torch.deterministic import deterministic
from akid_torch.microbatch import parts
from akid_torch.network import TorchNetwork
from akid_torch.objective import Aim, Gradients, Objective, Part, Values
from akid_torch.ops import array
from akid_torch.places import standing_in
from akid_torch.probe import Probe
from akid_torch.step import TorchStep
from akid_torch.turns import Turns

_RECORDED = nullcontext()


class TorchTrainer(Trainer):
    """Trains the parameters of a network in place.

    A span takes one of three ways: compiled, where the plan says so, the regime has one phase and the span is a full
    one that nobody watches; by the user's own step; or step by step.
    """

    def __init__(self, network: TorchNetwork, regime: Regime, plan: Plan) -> None:
        self._network, self._regime, self._plan = network, regime, plan
        self._params = {path: network.native(path) for path in network.trained}
        self._objective = Objective(network, plan.recompute)
        self._turns = Turns(network, regime, fused=plan.fused)
        self._own_step = load_step(_whole_step(plan.step, regime)) if plan.step else None
        self._idle = bool(self._params)  # until a first step has shown otherwise, or has been told of
        self._compiled = self._compiling() if plan.compile else None

    def run(
        self, span: Span, learning_rates: np.ndarray, loss_weights: Mapping[str, np.ndarray] | None = None
    ) -> SpanResult:
        rates = learning_rates.reshape(span.steps, len(self._regime.phases))
        self._objective.follow()
        with deterministic() if self._plan.deterministic else nullcontext():
            if self._compiled is not None and not self._network.watchers and self._compiled.serves(span):
                return self._compiled.run(span, rates[:, 0])
            with self._frozen_state():
                self._objective.begin({**span.fields, Batch.WEIGHTS: span.weights}, loss_weights)
                return self._run_own(span, rates[:, 0]) if self._own_step else self._run(span, rates)

    def gradients(self, batch: Batch, step: int, values: Sequence[Value] = ()) -> Arrays:
        fields = {name: array[None] for name, array in {**batch.fields, Batch.WEIGHTS: batch.weights}.items()}
        params = list(self._params.values())
        with deterministic() if self._plan.deterministic else nullcontext():
            self._objective.begin(fields)
            (frame,) = self._frames(batch.weights[None], step, first_row=0, learning=False)
            if values:
                probe = Probe(self._network, self._objective, values)
                gradients, found = probe.gradients(self._parts(probe.batch(fields), frame), params)
            else:
                aims = [Aim(self._objective.every_loss, params)]
                (gradients,), found = self._gradients(self._objective.steps(fields)[0], frame, 0, aims), []
        named = {
            path: self._network.home(path).read(torch.zeros_like(param) if gradient is None else gradient)
            for (path, param), gradient in zip(self._params.items(), gradients, strict=True)
        }
        return named | {str(value): array(gradient) for value, gradient in zip(values, found, strict=True)}

    def read_slots(self) -> Arrays:
        return {name: home.read(slot) for name, (home, slot) in self._turns.slots.items()}

    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        slots = self._turns.slots
        for name in values:
            if name not in slots:
                keeping = ", ".join(phase.optimizer.component() for phase in self._regime.phases)
                raise UnknownNameError(
                    f"{keeping} keeps nothing called {name!r}.{suggest(name, slots)} "
                    f"It keeps: {', '.join(slots) or 'nothing'}."
                )
        for name, (home, slot) in slots.items():
            if name in values:
                home.fill(slot, values[name])
            else:
                slot.zero_()

    def _run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        """Step after step, uncompiled: the passes of each in their order, and after each pass those move who share it.

        State takes its new values, which are those of the first pass, when the step ends.
        """
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        frames = self._frames(span.weights, span.first_step, span.first_row, learning=True)
        steps = zip(self._objective.steps(fields), frames, learning_rates.tolist(), strict=True)
        for index, (values, frame, rates) in enumerate(steps):
            step = span.first_step + index
            for number, shared in enumerate(self._turns.passes(step)):
                first = number == 0
                seen = frame if first else frame.again()
                # Nothing here holds on to gradients, so that the next ones find their memory free.
                shared.move(self._gradients(values, seen, index, shared.aims, noted=first), rates, step)
            frame.settle()
        return self._objective.finish()

    def _run_own(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        """Step after step by the user's own function."""
        assert self._own_step is not None, "only a plan with a step comes here"
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        frames = self._frames(span.weights, span.first_step, span.first_row, learning=True)
        (mover,), objectives = self._turns.movers, []
        parameters = {path: self._params[path] for path in mover.turn.params}
        steps = zip(self._objective.steps(fields), frames, learning_rates.tolist(), strict=True)
        for number, (values, frame, rate) in enumerate(steps, start=span.first_step):
            step = TorchStep(
                fields=dict(zip(self._objective.program.fields, values, strict=True)),
                parameters=parameters,
                number=number,
                learning_rate=rate,
                objective=lambda values=values, frame=frame: self._objective(values, frame),  # type: ignore[misc]
                update=lambda gradients, rate=rate, number=number: mover.move(gradients, [rate], number),  # type: ignore[misc]
            )
            with self._network.module.narrowed():
                objectives.append(step.take(self._own_step))
            if self._idle and not step.updated:
                warn_idle(self._plan.step)
            self._idle = False
            frame.settle()
        minimised = torch.stack(objectives).cpu().numpy().astype(np.float64)
        return SpanResult(minimised, self._objective.finish().measures)

    def _gradients(
        self, values: Values, frame: Frame, index: int, aims: Sequence[Aim], *, noted: bool = True
    ) -> list[Gradients]:
        """Of a pass over the batch of step `index` in the span; where nothing is asked for, it is looked at alone."""
        with _RECORDED if aims else torch.no_grad():
            if self._plan.micro_batches == 1:
                return self._objective.gradients(values, frame, index, aims, noted=noted)
            return self._objective.gradients_of_parts(self._parts(values, frame), index, aims, noted=noted)

    def _parts(self, values: Values, frame: Frame) -> list[Part]:
        return list(parts(values, frame, self._plan.micro_batches))

    def _compiling(self) -> CompiledSteps | None:
        """The compiled steps, unless the regime has none."""
        if declined := why_not_by(self._regime):
            warnings.warn(f"execution.compile is declined: {declined}.", AkidWarning, stacklevel=2)
            return None
        (mover,) = self._turns.movers
        return CompiledSteps(self._network, self._objective, mover.turn.params, mover.updater, self._plan.bundle)

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


def _whole_step(path: str, regime: Regime) -> str:
    """The path of a step of the user's own, which takes the place of one phase that acts in every step."""
    if len(regime.phases) > 1 or regime.phases[0].every > 1:
        raise ConfigurationError(
            f"execution.step: {path} takes the place of a step of one optimizer that acts every time, and optimizer "
            f"lists the phases {', '.join(regime.names)}: give one optimizer, or leave execution.step out."
        )
    return path
