"""Report: what compiled steps say of their losses and metrics, summed where they run and fetched at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from akid_core.backends.contract import MetricStates, SpanResult
from akid_torch.ops import array
from akid_torch.terms import LossTerm, MetricTerm

Noted = tuple[Sequence[tuple[Tensor, Tensor]], Sequence[Sequence[Tensor]]]
"""Of one step: the weighted mean and total weight of each loss, and the parts of each metric."""


class Report:
    """One vector of all numbers, and arrays where metrics have some: a call to the host costs more than a sum here."""

    def __init__(self, losses: Sequence[LossTerm], metrics: Sequence[MetricTerm]) -> None:
        self._losses, self._metrics = losses, metrics
        self._single: list[bool] = []

    def write(self, steps: Sequence[Noted]) -> tuple[Tensor, ...]:
        """The objective of each step, each loss's sum and count over all steps; then what metrics give.

        Sums are float64. A metric whose parts are added has them added, any other one gets the parts of each step.
        """
        means, counts = (torch.stack([_column(step, index) for step in steps]) for index in (0, 1))
        weights = torch.tensor([loss.weight for loss in self._losses], dtype=torch.float64, device=means.device)
        numbers = [(means * weights).sum(1), (means * counts).sum(0), counts.sum(0)]
        arrays, self._single = [], []
        for index, metric in enumerate(self._metrics):
            for parts in zip(*(step[1][index] for step in steps), strict=True):
                stacked = torch.stack(parts)
                if metric.adds:
                    stacked = stacked.sum(0, dtype=torch.float64 if stacked.is_floating_point() else None)
                self._single.append(stacked.dim() == 0)
                if stacked.dim():
                    arrays.append(stacked)
                else:
                    numbers.append(stacked.double()[None])
        return (torch.cat(numbers), *arrays)

    def read(self, calls: Sequence[Sequence[Tensor]], steps: int) -> SpanResult:
        """What `write` gave in calls of so many steps, one after the other, on the host."""
        rows = [array(call[0]) for call in calls]
        # Adding up one row would cost as much as the step of a small brain.
        sums = iter((rows[0] if len(rows) == 1 else np.sum(rows, axis=0))[steps:].tolist())
        losses = list(islice(sums, len(self._losses)))
        measures: MetricStates = {
            loss.path: {"sum": total, "count": next(sums)} for loss, total in zip(self._losses, losses, strict=True)
        }
        arrays, single = zip(*(map(array, call[1:]) for call in calls), strict=True), iter(self._single)
        for metric in self._metrics:
            put_together: Callable[..., Any] = sum if metric.adds else np.concatenate
            parts = [next(sums) if next(single) else put_together(next(arrays)) for _ in range(metric.parts)]
            measures[metric.path] = metric.state([parts] if metric.adds else zip(*parts, strict=True))
        objectives = [row[:steps] for row in rows]
        return SpanResult(objectives[0] if len(rows) == 1 else np.concatenate(objectives), measures)


def _column(step: Noted, index: int) -> Tensor:
    return torch.stack([term[index].double() for term in step[0]])
