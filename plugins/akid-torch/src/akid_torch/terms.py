"""Terms: what one step computes of each loss and metric, and how the steps of a span are put together on the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akid_core.graph.resolved import Call
from akid_core.specs.layer import Metric, State
from akid_torch.applied import Tap, applied
from akid_torch.context import Frame
from akid_torch.measures import ShortLoss, ShortMetric, masked


class LossTerm:
    """One loss in training: the weighted mean of each step stays on the device until `finish`."""

    def __init__(self, call: Call, module: nn.Module, taps: Sequence[Tap] = ()) -> None:
        self.call, self.path, self.weight = call, call.path, getattr(call.layer, "weight", 1.0)
        self._applied, self._proven = applied(module, call, taps), False
        self._native = module if isinstance(module, ShortLoss) else None

    def begin(self, fields: Mapping[str, np.ndarray], weights: np.ndarray, factors: np.ndarray | None = None) -> None:
        """Start a span. Which steps go the short way is settled here, on the host; fields and weights: (k, n, ...).

        `factors`: what the loss's own weight is multiplied by in each step (k,), if it is.
        """
        steps = len(weights)
        short = np.zeros(steps, dtype=bool)
        if self._native is not None:
            short = self._native.usual([fields.get(value.source) for value in self.call.inputs], steps)
        self._short: list[bool] = short.tolist()
        self._equal: list[bool] = (short & (weights == 1).all(axis=1)).tolist()
        self._totals: list[float] = weights.sum(axis=1, dtype=np.float64).tolist()
        self._weights = self.weight * (np.ones(steps) if factors is None else factors)
        self._each: list[float] = self._weights.tolist()
        self._means: list[Tensor] = []
        self._counts: list[Tensor | float] = []

    def step(self, inputs: list[Tensor], frame: Frame) -> Tensor:
        """What the next step minimises of the loss: the weighted mean over its rows, times the loss's own weight."""
        index = len(self._means)
        mean, count = self._mean(inputs, frame, index)
        self._means.append(mean.detach())
        self._counts.append(count)
        return mean if self._each[index] == 1.0 else mean * self._each[index]

    def again(self, inputs: list[Tensor], frame: Frame, index: int) -> Tensor:
        """The same of step `index`, in another pass, which is not noted."""
        return self._mean(inputs, frame, index)[0] * self._each[index]

    def part(
        self, inputs: list[Tensor], frame: Frame, index: int, total: Tensor | float, *, noted: bool = True
    ) -> Tensor:
        """What some rows of step `index` give to it, where all its rows weigh `total` together."""
        value, weight = self._rows(inputs, frame, short=self._short[index])
        share = (value * weight).sum() / _divisor(total)
        if noted and index == len(self._means):
            self._means.append(share.detach())
            self._counts.append(total)
        elif noted:
            self._means[index] = self._means[index] + share.detach()
        return share * self._each[index]

    def total(self, index: int) -> float | None:
        """What all rows of step `index` weigh together; None where a pass must show it."""
        return self._totals[index] if self._short[index] else None

    def weigh(self, inputs: list[Tensor], frame: Frame) -> Tensor:
        """What the rows of a pass weigh together."""
        return self._rows(inputs, frame)[1].sum()

    def traced(self, inputs: list[Tensor], frame: Frame) -> tuple[Tensor, Tensor]:
        """The weighted mean of the rows and their total weight, by what holds for every batch."""
        value, weight = self._rows(inputs, frame)
        total = weight.sum()
        return (value * weight).sum() / _divisor(total), total

    def finish(self) -> tuple[np.ndarray, State]:
        """The contribution of each step to the objective (k,) float64, and the state over the span."""
        means = _host(torch.stack(self._means))
        counts = np.array([float(count) for count in self._counts])
        return means * self._weights, {"sum": np.sum(means * counts), "count": np.sum(counts)}

    def _mean(self, inputs: list[Tensor], frame: Frame, index: int) -> tuple[Tensor, Tensor | float]:
        """The weighted mean of the rows and their total weight; rows that count for nothing give 0."""
        if self._native is not None and self._equal[index] and not self._applied.tapped:
            return self._native.mean(*inputs[:-1]), self._totals[index]
        value, weight = self._rows(inputs, frame, short=self._short[index])
        total = self._totals[index] if self._short[index] else weight.sum()
        return (value * weight).sum() / _divisor(total), total

    def _rows(self, inputs: list[Tensor], frame: Frame, *, short: bool = False) -> tuple[Tensor, Tensor]:
        """The value and weight of each row: by the loss's own definition, or the `short` way.

        Who looks at a loss sees the first; the second is for rows that have no weight but that of their samples.
        """
        if short and self._native is not None and not self._applied.tapped:
            value = self._native.each(*inputs[:-1])
            weight = inputs[-1].to(value.dtype)
            return masked(value, weight), weight
        value, weight = self._applied(frame, inputs, proven=self._proven)
        self._proven = True
        return value, weight


class MetricTerm:
    """One metric in training: what each step gives stays on the device until `finish`."""

    def __init__(self, call: Call, module: nn.Module, taps: Sequence[Tap] = ()) -> None:
        if not isinstance(call.layer, Metric):
            raise TypeError(f"{call.path!r} is not a metric")
        self.call, self.path, self._metric = call, call.path, call.layer
        self._applied, self._proven = applied(module, call, taps), False
        self._short = module if isinstance(module, ShortMetric) and not self._applied.tapped else None
        self.parts = len(call.layer.parts)
        self.adds = call.layer.reduction == "sum" and type(call.layer).merge is Metric.merge

    def begin(self, weights: np.ndarray) -> None:
        """Start a span; weights: (k, n)."""
        self._weights = weights.astype(np.float64)
        self._given: list[Any] = []

    def step(self, inputs: list[Tensor], frame: Frame) -> None:
        """Note what this step gives: the figure of each row, or all parts."""
        self._given.append(self.traced(inputs, frame) if self._short is None else self._short.each(*inputs[:-1]))

    def traced(self, inputs: list[Tensor], frame: Frame) -> tuple[Tensor, ...]:
        """The parts, by what holds for every batch."""
        outputs = self._applied(frame, inputs, proven=self._proven)
        self._proven = True
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def finish(self) -> State:
        """The state over the span."""
        if self._short is not None:
            each = _host(torch.cat(self._given)).reshape(self._weights.shape)
            return {"sum": np.sum(each * self._weights, where=self._weights != 0), "count": np.sum(self._weights)}
        return self.state([[part.detach().cpu().numpy() for part in given] for given in self._given])

    def state(self, given: Iterable[Iterable[np.ndarray]]) -> State:
        """The same, of the parts of each step."""
        return self._metric.merge([dict(zip(self._metric.parts, parts, strict=True)) for parts in given])


def _divisor(total: Tensor | float) -> Tensor | float:
    """What the sum over rows is divided by: of rows that count for nothing the mean is 0."""
    return torch.where(total == 0, 1.0, total) if isinstance(total, Tensor) else total or 1.0


def _host(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.cpu().numpy(), dtype=np.float64)
