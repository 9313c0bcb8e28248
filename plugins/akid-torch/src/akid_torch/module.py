"""The live Brain as an `nn.Module`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal

import torch
from torch import Tensor, nn

from akid_core.graph.resolved import Graph, Value
from akid_torch.context import Frame
from akid_torch.mixed import Cast
from akid_torch.ops import DTYPES
from akid_torch.places import standing_in
from akid_torch.program import Program, Slots

Mode = Literal["training", "evaluation"]

Carried = dict[Value, tuple[Tensor, ...]]
"""For each value that is used with a delay its last values, the newest last."""


class BrainModule(nn.Module):
    """A Brain whose children are its built layers, called by their paths (with `:` for a dot, which torch forbids)."""

    def __init__(self, graph: Graph, modules: Mapping[str, nn.Module], casts: Sequence[Cast] = ()) -> None:
        """`casts`: the weights that layers see in another type than they are kept in."""
        super().__init__()
        self._casts = tuple(casts)
        self.graph, self.by_path = graph, dict(modules)
        self.device = torch.device("cpu")
        self._lines = _lines(graph)
        self._programs: dict[tuple[Value, ...], Program] = {}
        for path, module in modules.items():
            self.add_module(path.replace(".", ":"), module)

    def forward(
        self, inputs: Mapping[str, Tensor], mode: Mode = "evaluation", step: int = 0, carried: Carried | None = None
    ) -> tuple[dict[str, Tensor], Carried]:
        """The outputs by name, and what the next step needs of this one.

        `inputs`: by name, each (batch, ...). `step`: its number, from which dropout draws. `carried`: what the step
        before returned; None before the first, when the past is zero.
        """
        before = carried or {}
        program = self.program((*self.graph.outputs.values(), *self._lines))
        values, rows = program.pick(inputs), len(next(iter(inputs.values())))
        slots = self.run(program, values, self.frame(rows, mode == "training", step), before)
        outputs = {name: slots[program.numbers[value]] for name, value in self.graph.outputs.items()}
        return outputs, {
            value: (*before.get(value, ()), slots[program.numbers[value]])[-length:]
            for value, length in self._lines.items()
        }

    def program(self, targets: Iterable[Value]) -> Program:
        """What computes the targets, and no more."""
        targets = tuple(targets)
        if targets not in self._programs:
            calls = self.graph.needed(targets)
            self._programs[targets] = Program(self.by_path, calls, dict.fromkeys(targets, "The answer"))
        return self._programs[targets]

    def frame(self, rows: int, training: bool, step: int = 0) -> Frame:
        """A pass whose changes of state are not kept."""
        return Frame(
            training,
            torch.tensor([step], dtype=torch.int32, device=self.device),
            torch.arange(rows, dtype=torch.int32, device=self.device),
        )

    def narrowed(self) -> AbstractContextManager[None]:
        """Inside, layers see their weights in the type that they compute in."""
        return standing_in([(home, home.tensor.to(dtype)) for home, dtype in self._casts])

    def run(self, program: Program, values: Sequence[Tensor], frame: Frame, carried: Carried | None = None) -> Slots:
        """One pass of a program in the mode of the frame; `values` are those of its fields."""
        if self.training != frame.training:
            self.train(frame.training)
        if program.delayed:
            values = [*values, *(self._past(value, len(frame.rows), carried or {}) for value in program.delayed)]
        if not self._casts:
            return program.run(values, frame)
        with self.narrowed():
            return program.run(values, frame)

    def _past(self, value: Value, rows: int, carried: Carried) -> Tensor:
        line = carried.get(Value(value.source, value.output), ())
        if len(line) >= value.delay:
            return line[-value.delay]
        spec = self.graph.spec(value)
        return torch.zeros(rows, *spec.row, dtype=DTYPES[spec.dtype], device=self.device)


def _lines(graph: Graph) -> dict[Value, int]:
    """What must be carried: each value that is used with a delay, and for how many steps."""
    lines: dict[Value, int] = {}
    for value in (value for call in graph.calls for value in call.inputs if value.delay):
        now = Value(value.source, value.output)
        lines[now] = max(lines.get(now, 0), value.delay)
    return lines
