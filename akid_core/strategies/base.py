"""Strategy: how a step runs on one or many processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from akid_core.backends.contract import Arrays, Backend, MetricStates, Network, SpanResult
from akid_core.backends.plan import Plan
from akid_core.data.batch import Batch, Span
from akid_core.graph.resolved import Graph, Value
from akid_core.optimizers.regime import Regime

Write = Callable[[Arrays, Arrays], None]
Read = Callable[[], tuple[Arrays, Arrays]]
"""What takes, and what gives, parameters and optimizer state."""


class Strategy(ABC):
    """Builds the live network and its train program, and hides how many processes share the work."""

    name: ClassVar[str]
    network: Network

    @abstractmethod
    def build(self, backend: Backend, graph: Graph, regime: Regime | None, plan: Plan, seed: int) -> None:
        """Build (no storage) and place. Without a regime only evaluation is possible."""

    @abstractmethod
    def fill(self, params: Mapping[str, np.ndarray], slots: Mapping[str, np.ndarray]) -> None:
        """Set parameters and optimizer state."""

    @abstractmethod
    def gather(self) -> tuple[Arrays, Arrays]:
        """Parameters and optimizer state, whole, on the process that saves."""

    @abstractmethod
    def rows(self, global_batch: int) -> slice:
        """Which rows of a global batch this process computes."""

    @abstractmethod
    def run(
        self, span: Span, learning_rates: np.ndarray, loss_weights: Mapping[str, np.ndarray] | None = None
    ) -> SpanResult:
        """Train the steps of the span, see `Trainer.run`."""

    @abstractmethod
    def gradients(self, batch: Batch, step: int, values: Sequence[Value] = ()) -> Arrays:
        """The gradient of the objective over a global batch, see `Trainer.gradients`."""

    @abstractmethod
    def measure(self, batch: Batch) -> MetricStates:
        """Losses and metrics of this process's share of one batch."""

    @abstractmethod
    def reduce(self, states: MetricStates) -> MetricStates:
        """Join what each process measured."""

    @abstractmethod
    def agree(self, flag: bool) -> bool:
        """True if the flag is raised on any process."""

    @abstractmethod
    def save(self, write: Write) -> None:
        """Call `write(params, slots)` on the process that saves; the others wait."""

    @abstractmethod
    def load(self, read: Read) -> None:
        """Call `read() -> (params, slots)` and fill from it, on every process that needs it."""
