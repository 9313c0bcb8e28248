"""Terms: what one step computes of each loss and metric, and how the steps of a span are put together on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akid_core.backends.promise import kept
from akid_core.graph.resolved import Call
from akid_core.specs.layer import Metric, State
from akid_torch.context import Frame, FrameModule
from akid_torch.measures import ShortLoss, ShortMetric, masked
from akid_torch.program import Slots


class LossTerm:
    """One loss in training: the weighted mean of each step stays on the device until `finish`."""

    def __init__(self, call: Call, module: nn.Module, sources: tuple[int, ...]) -> None:
        self.path, self.weight = call.path, getattr(call.layer, "weight", 1.0)
        self._call, self._module, self._sources = call, module, sources
        self._framed = isinstance(module, FrameModule)
        self._native = module if isinstance(module, ShortLoss) else None
        self._proven = False

    def begin(self, fields: Mapping[str, np.ndarray], weights: np.ndarray) -> None:
        """Start a span. Which steps go the short way is settled here, on the host; fields and weights: (k, n, ...)."""
        steps = len(weights)
        short = np.zeros(steps, dtype=bool)
        if self._native is not None:
            short = self._native.usual([fields.get(value.source) for value in self._call.inputs], steps)
        self._short: list[bool] = short.tolist()
        self._equal: list[bool] = (short & (weights == 1).all(axis=1)).tolist()
        self._totals: list[float] = weights.sum(axis=1, dtype=np.float64).tolist()
        self._means: list[Tensor] = []
        self._counts: list[Tensor | float] = []

    def step(self, slots: Slots, frame: Frame) -> Tensor:
        """What this step minimises of the loss: the weighted mean over its rows, times the loss's own weight."""
        mean, count = self._mean([slots[source] for source in self._sources], frame, len(self._means))
        self._means.append(mean.detach())
        self._counts.append(count)
        return mean if self.weight == 1.0 else mean * self.weight

    def finish(self) -> tuple[np.ndarray, State]:
        """The contribution of each step to the objective (k,) float64, and the state over the span."""
        means = _host(torch.stack(self._means))
        counts = np.array([float(count) for count in self._counts])
        return means * self.weight, {"sum": np.sum(means * counts), "count": np.sum(counts)}

    def _mean(self, inputs: list[Tensor], frame: Frame, index: int) -> tuple[Tensor, Tensor | float]:
        """The weighted mean of the rows and their total weight; rows that count for nothing give 0."""
        *values, sample_weights = inputs
        if self._native is not None and self._equal[index]:
            return self._native.mean(*values), self._totals[index]
        if self._native is not None and self._short[index]:
            each = self._native.each(*values)
            weight = sample_weights.to(each.dtype)
            return (masked(each, weight) * weight).sum() / (self._totals[index] or 1.0), self._totals[index]
        outputs = self._module(frame, *values) if self._framed else self._module(*values)
        if not self._proven:
            kept(self._call, values, outputs, Tensor)
            self._proven = True
        value, weight = outputs
        weight = weight * sample_weights.to(weight.dtype)
        total = weight.sum()
        return (masked(value, weight) * weight).sum() / torch.where(total == 0, 1.0, total), total


class MetricTerm:
    """One metric in training: what each step gives stays on the device until `finish`."""

    def __init__(self, call: Call, module: nn.Module, sources: tuple[int, ...]) -> None:
        if not isinstance(call.layer, Metric):
            raise TypeError(f"{call.path!r} is not a metric")
        self.path, self._metric, self._module, self._sources = call.path, call.layer, module, sources
        self._call, self._framed, self._proven = call, isinstance(module, FrameModule), False

    def begin(self, weights: np.ndarray) -> None:
        """Start a span; weights: (k, n)."""
        self._weights = weights.astype(np.float64)
        self._given: list[Any] = []

    def step(self, slots: Slots, frame: Frame) -> None:
        """Note what this step gives: the figure of each row, or all parts."""
        inputs = [slots[source] for source in self._sources]
        if isinstance(self._module, ShortMetric):
            self._given.append(self._module.each(*inputs[:-1]))
        else:
            outputs = self._module(frame, *inputs) if self._framed else self._module(*inputs)
            if not self._proven:
                kept(self._call, inputs, outputs, Tensor)
                self._proven = True
            self._given.append(outputs)

    def finish(self) -> State:
        """The state over the span."""
        if isinstance(self._module, ShortMetric):
            each = _host(torch.stack(self._given))
            return {"sum": np.sum(each * self._weights, where=self._weights != 0), "count": np.sum(self._weights)}
        parts = [[part.cpu().numpy() for part in given] for given in self._given]
        return self._metric.merge([dict(zip(self._metric.parts, given, strict=True)) for given in parts])


def _host(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.cpu().numpy(), dtype=np.float64)
