"""Pass: one forward pass of the training graph, as far as some losses and metrics need it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from akid_core.graph.resolved import Call, Value
from akid_core.specs.layer import Loss, Metric
from akid_torch.applied import Tap
from akid_torch.context import Frame
from akid_torch.operation import Slots
from akid_torch.program import Program, inputs_of
from akid_torch.terms import LossTerm, MetricTerm


class Pass:
    """`program` runs the calls up to the losses and metrics, which take their inputs from it.

    `losses`: by their number among all, which are also its `numbers`. `beside`: values that are computed too.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        calls: Iterable[Call],
        losses: Mapping[int, LossTerm],
        metrics: Sequence[MetricTerm] = (),
        *,
        recompute: Sequence[str] = (),
        taps: Sequence[Tap] = (),
        beside: Sequence[Value] = (),
    ) -> None:
        measures = [term.call for term in (*losses.values(), *metrics)]
        wanted = {value: f"The block {call.path!r}" for call in reversed(measures) for value in inputs_of(call)}
        inside = [call for call in calls if not isinstance(call.layer, Loss | Metric)]
        self.program = Program(modules, inside, wanted | dict.fromkeys(beside, "The answer"), recompute, taps=taps)
        self.numbers = tuple(losses)
        self._losses = [(number, term, self.program.sources(term.call)) for number, term in losses.items()]
        self._metrics = [(term, self.program.sources(term.call)) for term in metrics]

    def losses(self, slots: Slots) -> list[tuple[int, LossTerm, list[Tensor]]]:
        """The number and the inputs of each loss."""
        return [(number, term, [slots[source] for source in sources]) for number, term, sources in self._losses]

    def metrics(self, slots: Slots) -> list[tuple[MetricTerm, list[Tensor]]]:
        """The inputs of each metric."""
        return [(term, [slots[source] for source in sources]) for term, sources in self._metrics]

    def measure(self, slots: Slots, frame: Frame) -> None:
        """Let the metrics note the step."""
        if self._metrics:
            with torch.no_grad():
                for term, inputs in self.metrics(slots):
                    term.step(inputs, frame)
