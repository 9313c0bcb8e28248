"""The live Brain as an `nn.Module`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from akid_core.graph.resolved import Graph, Line, Value
from akid_torch.applied import Tap
from akid_torch.build import Parts
from akid_torch.context import Frame
from akid_torch.mixed import Cast
from akid_torch.ops import DTYPES
from akid_torch.places import standing_in
from akid_torch.program import Program, Slots

Mode = Literal["training", "evaluation"]

_AS_THEY_ARE = nullcontext()

Carried = dict[str, Tensor]
"""For each line of a graph that runs step by step, by its name, what the next step takes, (batch, ...)."""


_TAKEN = frozenset(dir(GraphModule))
"""Attributes of torch's own modules and of those that it traces, which no child can be called."""


def child_name(parent: nn.Module, path: str) -> str:
    """What a block is called as a child of a module: its path, `:` for a dot, with `_` behind a name that is taken."""
    name = path.replace(".", ":")
    while name in _TAKEN or hasattr(parent, name):
        name += "_"
    return name


class BrainModule(nn.Module):
    """A Brain whose children are its built layers, called by their paths (with `:` for a dot, which torch forbids).

    The many calls of one unrolled layer are one child, called by the path of their parameters.
    """

    def __init__(self, graph: Graph, parts: Parts, casts: Sequence[Cast] = ()) -> None:
        """`casts`: the weights that layers see in another type than they are kept in."""
        super().__init__()
        self._casts = tuple(casts)
        self.graph, self.by_path, self._homes = graph, dict(parts.modules), parts.homes
        self.device = torch.device("cpu")
        self._taps: Sequence[Tap] = ()
        self._programs: dict[tuple[tuple[Value, ...], frozenset[Value]], Program] = {}
        self._forward = self._whole()  # made beforehand, so that torch.compile finds a list of calls
        self._evaluating = [self.by_path[call.path] for call in graph.everything if call.evaluates]
        children: dict[str, nn.Module] = {}
        for call in graph.everything:
            name = call.path if call.owner in graph.by_path else call.owner
            children.setdefault(name, self.by_path[call.path])
        for name, module in children.items():
            self.add_module(child_name(self, name), module)
        held = set(map(id, children.values()))
        self.copies = [module for module in self.by_path.values() if id(module) not in held]

    def forward(
        self, inputs: Mapping[str, Tensor], mode: Mode = "evaluation", step: int = 0, carried: Carried | None = None
    ) -> tuple[dict[str, Tensor], Carried]:
        """The outputs by name, and what the next step needs of this one.

        `inputs`: by name, each (batch, ...). `step`: its number, from which dropout draws. `carried`: what the step
        before returned; None before the first, when each line is as it begins.
        """
        lines, outputs, given = self.graph.lines, self.graph.outputs, {**inputs, **(carried or {})}
        rows = len(next(iter(given.values()))) if given else 1
        given |= {name: self._initial(line, rows) for name, line in lines.items() if name not in given}
        program = self._forward
        slots = self.run(program, program.pick(given), self.frame(rows, mode == "training", step))
        return (
            {name: slots[program.numbers[value]] for name, value in outputs.items()},
            {name: slots[program.numbers[line.newest]] for name, line in lines.items()},
        )

    def program(self, targets: Iterable[Value], given: Collection[Value] = ()) -> Program:
        """What computes the targets, and no more; `given` are not computed."""
        key = tuple(targets), frozenset(given)
        if key not in self._programs:
            calls, wanted = self.graph.needed(key[0], key[1]), dict.fromkeys(key[0], "The answer")
            self._programs[key] = Program(self.by_path, calls, wanted, given=key[1], taps=self._taps)
        return self._programs[key]

    def _whole(self) -> Program:
        """What gives all outputs and lines."""
        return self.program((*self.graph.outputs.values(), *(line.newest for line in self.graph.lines.values())))

    def show(self, taps: Sequence[Tap]) -> None:
        """Let these see what the calls take and give, from the next pass on."""
        self._taps = taps
        self._programs.clear()
        self._forward = self._whole()

    def train(self, mode: bool = True) -> BrainModule:
        """As any module; what always evaluates stays in evaluation."""
        super().train(mode)
        for module in self.copies:
            module.train(mode)
        for module in self._evaluating:
            module.train(False)
        return self

    def frame(self, rows: int, training: bool, step: int = 0) -> Frame:
        """A pass whose changes of state are not kept."""
        return Frame(
            training,
            torch.tensor([step], dtype=torch.int32, device=self.device),
            torch.arange(rows, dtype=torch.int32, device=self.device),
        )

    def narrowed(self) -> AbstractContextManager[None]:
        """Inside, layers see their weights in the type that they compute in."""
        if not self._casts:
            return _AS_THEY_ARE
        return standing_in([(home, home.tensor.to(dtype)) for home, dtype in self._casts])

    def run(self, program: Program, values: Sequence[Tensor], frame: Frame) -> Slots:
        """One pass of a program in the mode of the frame; `values` are those of its fields, and what is given."""
        if self.training != frame.training:
            self.train(frame.training)
        if not self._casts:
            return program.run(values, frame)
        with self.narrowed():
            return program.run(values, frame)

    def _initial(self, line: Line, rows: int) -> Tensor:
        """What a line begins with."""
        shape, dtype = (rows, *line.spec.row), DTYPES[line.spec.dtype]
        if isinstance(line.initial, str):
            home = self._homes[line.initial]
            return home.canonical(home.tensor).to(dtype).expand(shape)
        return torch.full(shape, line.initial, dtype=dtype, device=self.device)
