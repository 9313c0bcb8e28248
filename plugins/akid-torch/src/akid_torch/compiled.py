"""Compiled steps: forward, gradient, measures and update of several steps as one program of torch's compiler.

The steps are recorded by running them once on tensors without values, so whatever Python a layer is written in leaves
no trace but its operations: no guard is checked and no interpreter runs between one step and the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from akid_core.backends.contract import SpanResult
from akid_core.data.batch import Batch, Span
from akid_core.errors import AkidError, ConfigurationError
from akid_torch.context import Frame
from akid_torch.network import TorchNetwork
from akid_torch.objective import Objective
from akid_torch.places import standing_in
from akid_torch.report import Noted, Report
from akid_torch.updaters import Updater

Compiled = Callable[..., Sequence[Tensor]]
"""A program of some steps: from parameters, state and slots, the clock and the fields to what the report writes."""

OPTIONS = {"realize_opcount_threshold": 8, "size_asserts": False, "cpp_wrapper": True}
"""The compiler writes out an expression wherever it is used, up to so many operations. The masks of dropout use each of
theirs twice, one after the other, and with the usual 30 they take minutes to compile. Sizes are looked at here."""


class TracedUpdater(Updater):
    """The core's formula, with the numbers of an update in a tensor: they change from step to step, a program does not.

    They are what decay multiplies by, and then the formula's coefficients.
    """

    def clock(self, learning_rates: np.ndarray, first_step: int, first_row: int) -> Tensor:
        """A row for each step: its number, the first row's, and the numbers of its update; (k, 3 + ...) float64."""
        steps = enumerate(learning_rates.tolist(), start=first_step)
        rows = [
            (step, first_row, Updater.shrink(self, rate), *Updater.coefficients(self, rate, step + 1))
            for step, rate in steps
        ]
        return torch.from_numpy(np.array(rows, dtype=np.float64))

    def norms(self, gradients: list[Tensor]) -> Sequence[Tensor]:
        return [torch.linalg.vector_norm(gradient) for gradient in gradients]

    def shrink(self, learning_rate: Tensor) -> Tensor:
        return learning_rate[0]

    def coefficients(self, learning_rate: Tensor, count: int) -> tuple[Tensor, ...]:
        return learning_rate[1:].unbind()


class CompiledSteps:
    """Takes as many steps at once as a bundle has, and those of a shorter span one by one; each of the two programs is
    compiled when it is first needed.

    It works on the parameters, state and slots of the uncompiled path, so that a span can take either.
    """

    def __init__(
        self, network: TorchNetwork, objective: Objective, trained: Sequence[str], updater: Updater, bundle: int
    ) -> None:
        """`trained`: the paths of what the updater moves."""
        self._network, self._objective, self._bundle = network, objective, bundle
        self._optimizer, self._slots = updater.optimizer, updater.slots
        self._homes = {path: network.home(path) for path in network.paths}
        self._trained = trained
        self._moving = [path for path in network.state if not network.graph.freezes(path)]
        self._host = self._updater(updater.params, updater.slots)
        # All these tensors are changed in place and stay for good.
        self._kept = [home.tensor.detach() for home in self._homes.values()]
        self._kept += [slot for slots in self._slots.values() for slot in slots]
        self._programs: dict[int, Compiled] = {}  # by their number of steps
        self._rows: int | None = None
        self._report = Report(objective.losses, objective.metrics)

    def serves(self, span: Span) -> bool:
        """Whether its batches are full ones."""
        return span.full and self._rows in (None, span.weights.shape[1])

    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        """Train the steps of the span."""
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        clock = self._host.clock(learning_rates, span.first_step, span.first_row).to(self._network.module.device)
        stacked = [clock, *self._network.tensors(self._objective.program, fields)]
        at_once = self._bundle if span.steps == self._bundle else 1
        self._rows = span.weights.shape[1]
        parts = [stacked]
        if span.steps > at_once:
            parts = [[each[first : first + 1] for each in stacked] for first in range(span.steps)]
        calls = []
        with torch.no_grad():
            for part in parts:
                inputs = [*self._kept, *part]
                if at_once not in self._programs:
                    self._programs[at_once] = self._compile(inputs)
                calls.append(self._programs[at_once](*inputs))
        return self._report.read(calls, at_once)

    def _compile(self, inputs: list[Tensor]) -> Compiled:
        # Imported here, since torch's compiler takes longer to import than all else together.
        from torch._inductor import standalone_compile
        from torch.fx.experimental.proxy_tensor import make_fx

        try:
            recorded = make_fx(self._steps, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)
        except AkidError:  # a layer that is wrong, compiled or not
            raise
        except Exception as error:
            raise ConfigurationError(
                f"execution.compile: the step cannot be recorded: {_line(error)} A layer whose Python looks at the "
                "values of tensors runs uncompiled alone: leave execution.compile out."
            ) from error
        try:
            compiled: Compiled = standalone_compile(
                recorded, [*inputs], dynamic_shapes="from_example_inputs", options={"config_patches": OPTIONS}
            )
        except Exception as error:
            raise ConfigurationError(
                f"execution.compile: torch's compiler failed: {_line(error)} Leave execution.compile out; a run that "
                "began with it goes on with --set execution.compile=false."
            ) from error
        return compiled

    def _steps(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """All steps, in functions of their inputs; in the end parameters, state and slots take their new values.

        The answer is what the report writes.
        """
        given = iter(inputs)
        kept = dict(zip(self._homes, islice(given, len(self._homes)), strict=True))
        slots = {name: list(islice(given, len(self._trained))) for name in self._slots}
        clock, *fields = given
        now = {path: tensor.clone() for path, tensor in kept.items()}
        moved = {name: [slot.clone() for slot in each] for name, each in slots.items()}
        updater = self._updater([now[path] for path in self._trained], moved)
        rows = clock[0, 1].int() + torch.arange(fields[0].shape[1], dtype=torch.int32, device=clock.device)
        noted = []
        for step in range(len(clock)):
            frame = Frame(True, clock[step, :1].int(), rows, learning=True, traced=True)
            gradients, step_noted = self._step(now, tuple(field[step] for field in fields), frame)
            updater.step(gradients, clock[step, 2:], 0)
            frame.settle()
            noted.append(step_noted)
        for path in (*self._trained, *self._moving):
            kept[path].copy_(now[path])
        for name, each in slots.items():
            for slot, new in zip(each, moved[name], strict=True):
                slot.copy_(new)
        return self._report.write(noted)

    def _step(
        self, now: dict[str, Tensor], values: tuple[Tensor, ...], frame: Frame
    ) -> tuple[Sequence[Tensor | None], Noted]:
        """The gradients of one step, and what it gives to losses and metrics."""
        objective, module = self._objective, self._network.module
        leaves = {path: now[path].detach().requires_grad_() for path in self._trained}
        with torch.enable_grad(), standing_in([(home, (now | leaves)[path]) for path, home in self._homes.items()]):
            slots = module.run(objective.program, values, frame)
            terms = [loss.traced(inputs, frame) for _, loss, inputs in objective.whole.losses(slots)]
            shares = [mean * loss.weight for loss, (mean, _) in zip(objective.losses, terms, strict=True)]
            total = torch.stack(shares).sum()
            gradients: Sequence[Tensor | None] = [None] * len(leaves)
            if total.requires_grad:
                gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
            parts = [metric.traced(inputs, frame) for metric, inputs in objective.whole.metrics(slots)]
        means = [(mean.detach(), count.detach()) for mean, count in terms]
        return gradients, (means, [[part.detach() for part in each] for each in parts])

    def _updater(self, params: Sequence[Tensor], slots: dict[str, list[Tensor]]) -> TracedUpdater:
        axes = [self._homes[path].lying for path in self._trained]
        return TracedUpdater(self._optimizer, self._network.ops, self._trained, params, axes, slots)


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    return next(iter(str(error).splitlines()), type(error).__name__)
