"""One process does the whole step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from akid_core.backends.contract import Arrays, Backend, MetricStates, SpanResult, Trainer
from akid_core.backends.plan import Plan
from akid_core.data.batch import Batch, Span
from akid_core.errors import UsageError
from akid_core.graph.resolved import Graph, Value
from akid_core.optimizers.regime import Regime
from akid_core.strategies.base import Read, Strategy, Write


class Single(Strategy):
    """The whole batch in this process, on any backend."""

    name = "single"
    _trainer: Trainer | None = None

    def build(self, backend: Backend, graph: Graph, regime: Regime | None, plan: Plan, seed: int) -> None:
        self.network = backend.network(graph, plan, seed)
        self.network.place(plan.device)
        self._trainer = backend.trainer(self.network, regime, plan) if regime is not None else None

    @property
    def trainer(self) -> Trainer:
        if self._trainer is None:
            raise UsageError("This network was built without an optimizer, for evaluation only: it cannot be trained.")
        return self._trainer

    def fill(self, params: Mapping[str, np.ndarray], slots: Mapping[str, np.ndarray]) -> None:
        self.network.fill(params)
        if self._trainer is not None:
            self._trainer.fill_slots(slots)

    def gather(self) -> tuple[Arrays, Arrays]:
        return self.network.read(), self._trainer.read_slots() if self._trainer is not None else {}

    def rows(self, global_batch: int) -> slice:
        return slice(0, global_batch)

    def run(
        self, span: Span, learning_rates: np.ndarray, loss_weights: Mapping[str, np.ndarray] | None = None
    ) -> SpanResult:
        return self.trainer.run(span, learning_rates, loss_weights)

    def gradients(self, batch: Batch, step: int, values: Sequence[Value] = ()) -> Arrays:
        return self.trainer.gradients(batch, step, values)

    def measure(self, batch: Batch) -> MetricStates:
        return self.network.measure(batch)

    def reduce(self, states: MetricStates) -> MetricStates:
        return states

    def agree(self, flag: bool) -> bool:
        return flag

    def save(self, write: Write) -> None:
        write(*self.gather())

    def load(self, read: Read) -> None:
        self.fill(*read())
