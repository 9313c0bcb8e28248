"""Compiled steps: forward, gradient, measures and update of several steps as one program of torch's compiler.

The steps are recorded by running them once on tensors without values, so whatever Python a layer is written in leaves
no trace but its operations: no guard is checked and no interpreter runs between one step and the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from akid_core.backends.contract import MetricStates, SpanResult
from akid_core.data.batch import Batch, Span
from akid_core.errors import ConfigurationError
from akid_torch.context import Frame
from akid_torch.network import TorchNetwork
from akid_torch.objective import Objective
from akid_torch.ops import array
from akid_torch.places import standing_in
from akid_torch.updaters import Updater

OPTIONS = {"realize_opcount_threshold": 8}
"""The compiler writes out an expression wherever it is used, up to so many operations. The masks of dropout use each of
theirs twice, one after the other, and with the usual 30 they take minutes to compile."""


class TracedUpdater(Updater):
    """The core's formula, with the numbers of an update in a tensor: they change from step to step, a program does not.

    A row holds what decay multiplies by, and then the formula's coefficients.
    """

    def numbers(self, learning_rates: np.ndarray, first: int) -> np.ndarray:
        """The rows for the updates from number `first` on: (k, 1 + coefficients) float64."""
        rates = enumerate(learning_rates.tolist(), start=first)
        rows = [(Updater.shrink(self, rate), *Updater.coefficients(self, rate, count)) for count, rate in rates]
        return np.array(rows)

    def shrink(self, learning_rate: Tensor) -> Tensor:
        return learning_rate[0]

    def coefficients(self, learning_rate: Tensor, count: int) -> tuple[Tensor, ...]:
        return learning_rate[1:].unbind()


class CompiledSteps:
    """Takes as many steps at once as a bundle has; the first call compiles.

    It works on the parameters, state and slots of the uncompiled path, so that a span can take either.
    """

    def __init__(self, network: TorchNetwork, objective: Objective, updater: Updater, bundle: int) -> None:
        self._network, self._objective, self._bundle = network, objective, bundle
        self._optimizer, self._slots = updater.optimizer, updater.slots
        self._homes = {path: network.home(path) for path in network.paths}
        self._trained = network.trained
        self._moving = [path for path in network.state if not network.graph.freezes(path)]
        self._program: Callable[..., Sequence[Tensor]] | None = None
        self._host = self._updater(updater.params, updater.slots)

    def serves(self, span: Span) -> bool:
        """Whether the span is a full bundle of full batches."""
        return span.full and span.steps == self._bundle

    def run(self, span: Span, learning_rates: np.ndarray) -> SpanResult:
        """Train the steps of the span."""
        fields = {**span.fields, Batch.WEIGHTS: span.weights}
        numbers = self._host.numbers(learning_rates, span.first_step + 1)
        inputs = [
            *(self._homes[path].tensor.detach() for path in self._homes),
            *(slot for slots in self._slots.values() for slot in slots),
            torch.from_numpy(numbers).to(self._network.module.device),
            torch.tensor([span.first_step, span.first_row], dtype=torch.int32, device=self._network.module.device),
            *self._network.tensors(self._objective.program, fields),
        ]
        with torch.no_grad():
            if self._program is None:
                self._program = self._compile(inputs)
            outputs = map(array, self._program(*inputs))
        return self._result(outputs)

    def _compile(self, inputs: list[Tensor]) -> Callable[..., Sequence[Tensor]]:
        # Imported here, since torch's compiler takes longer to import than all else together.
        from torch._inductor import compile as compile_graph
        from torch.fx.experimental.proxy_tensor import make_fx

        try:
            recorded = make_fx(self._steps, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)
        except Exception as error:
            raise ConfigurationError(
                f"execution.compile: the step cannot be recorded: {str(error).splitlines()[0]} A layer whose Python "
                "looks at the values of tensors runs uncompiled alone: leave execution.compile out."
            ) from error
        compiled: Callable[..., Sequence[Tensor]] = compile_graph(recorded, inputs, options=OPTIONS)
        return compiled

    def _steps(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """All steps, in functions of their inputs; in the end parameters, state and slots take their new values."""
        given = iter(inputs)
        kept = dict(zip(self._homes, given, strict=False))
        slots = {name: list(islice(given, len(self._trained))) for name in self._slots}
        rates, place, *fields = given
        now = {path: tensor.clone() for path, tensor in kept.items()}
        moved = {name: [slot.clone() for slot in each] for name, each in slots.items()}
        updater = self._updater([now[path] for path in self._trained], moved)
        rows = place[1:] + torch.arange(fields[0].shape[1], dtype=torch.int32, device=place.device)
        outputs = []
        for step in range(self._bundle):
            frame = Frame(True, place[:1] + step, rows, learning=True, traced=True)
            gradients, noted = self._step(now, tuple(field[step] for field in fields), frame)
            updater.step(gradients, rates[step], 0)
            frame.settle()
            outputs.append(noted)
        for path in (*self._trained, *self._moving):
            kept[path].copy_(now[path])
        for name, each in slots.items():
            for slot, new in zip(each, moved[name], strict=True):
                slot.copy_(new)
        return tuple(torch.stack(each) for each in zip(*outputs, strict=True))

    def _step(
        self, now: dict[str, Tensor], values: tuple[Tensor, ...], frame: Frame
    ) -> tuple[Sequence[Tensor | None], list[Tensor]]:
        """The gradients of one step, and what it gives to losses and metrics."""
        leaves = {path: now[path].detach().requires_grad_() for path in self._trained}
        with torch.enable_grad(), standing_in([(home, (now | leaves)[path]) for path, home in self._homes.items()]):
            slots = self._network.module.run(self._objective.program, values, frame)
            terms = [loss.traced(slots, frame) for loss in self._objective.losses]
            total = sum(mean * loss.weight for loss, (mean, _) in zip(self._objective.losses, terms, strict=True))
            gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        with torch.no_grad():
            parts = [part for metric in self._objective.metrics for part in metric.traced(slots, frame)]
        return gradients, [*(number.detach() for term in terms for number in term), *parts]

    def _updater(self, params: Sequence[Tensor], slots: dict[str, list[Tensor]]) -> TracedUpdater:
        axes = [self._homes[path].lying for path in self._trained]
        return TracedUpdater(self._optimizer, self._network.ops, self._trained, params, axes, slots)

    def _result(self, outputs: Iterator[np.ndarray]) -> SpanResult:
        """What the losses and metrics say, from their outputs (k, ...) in the order of `_step`."""
        contributions, measures = [], MetricStates()
        for loss in self._objective.losses:
            means, counts = (np.asarray(each, np.float64) for each in islice(outputs, 2))
            contribution, measures[loss.path] = loss.state(means, counts)
            contributions.append(contribution)
        for metric in self._objective.metrics:
            parts = list(islice(outputs, metric.parts))
            measures[metric.path] = metric.state(zip(*parts, strict=True))
        return SpanResult(np.sum(contributions, axis=0), measures)
