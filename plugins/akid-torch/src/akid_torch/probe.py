"""Probe: gradients by what calls give, beside those by parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from akid_core.graph.resolved import Value
from akid_torch.network import TorchNetwork, check_value
from akid_torch.objective import Aim, Gradients, Objective, Part, Values, added
from akid_torch.passing import Pass


class Probe:
    """A tap that holds on to some values, as tensors of their own from which all that takes them goes on.

    Raises `UnknownNameError` for a value that no loss needs.
    """

    def __init__(self, network: TorchNetwork, objective: Objective, values: Sequence[Value]) -> None:
        self._network, self._objective, self._values = network, objective, values
        graph = network.graph
        for value in values:
            check_value(graph.practised, value)
        self._paths = {value.source for value in values}
        self._held: dict[Value, Tensor] = {}
        self._pass = Pass(
            network.module.by_path,
            graph.needed((*(Value(call.path) for call in graph.losses), *graph.keeps)),
            dict(enumerate(objective.losses)),
            taps=[*objective.taps, self],
            beside=values,
        )

    @property
    def paths(self) -> Collection[str]:
        return self._paths

    def before(self, path: str, inputs: tuple[Tensor, ...]) -> None:
        """What a call takes does not matter."""

    def after(self, path: str, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The outputs, those that are asked for as tensors of their own: a layer may give what it took as it is."""
        return tuple(self._own(Value(path, number), output) for number, output in enumerate(outputs))

    def batch(self, fields: Mapping[str, np.ndarray]) -> Values:
        """What the pass takes of the fields of one step, (1, n, ...)."""
        return self._objective.steps(fields, self._pass.program)[0]

    def gradients(self, parts: Sequence[Part], params: Sequence[Tensor]) -> tuple[Gradients, list[Tensor]]:
        """Of the objective of the first step of a span: by the parameters, and by the values, row after row."""
        objective = self._objective
        totals = objective.totals(self._pass, parts, 0)
        sums: list[Tensor | None] = [None] * len(params)
        rows: list[list[Tensor]] = []
        for part in parts:
            with self._network.module.narrowed():
                terms = objective.shares(self._pass, part, 0, totals, noted=False)
                held = [self._held[value] for value in self._values]
                smooth = [tensor for tensor in held if tensor.requires_grad]  # whole numbers have no gradient
                (found,) = objective.backward(terms, [Aim(objective.every_loss, [*params, *smooth])])
            sums = list(map(added, sums, found[: len(params)]))
            given = iter(found[len(params) :])
            rows.append([_or_zeros(next(given) if tensor.requires_grad else None, tensor) for tensor in held])
        return sums, [torch.cat(each) for each in zip(*rows, strict=True)]

    def _own(self, value: Value, output: Tensor) -> Tensor:
        if value not in self._values:
            return output
        own = output.view_as(output) if output.requires_grad else output.detach()
        if own.is_floating_point():
            own.requires_grad_()
        self._held[value] = own
        return own


def _or_zeros(gradient: Tensor | None, held: Tensor) -> Tensor:
    return torch.zeros_like(held) if gradient is None else gradient
