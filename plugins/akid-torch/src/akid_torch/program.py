"""Program: the calls that some targets need, in order, as a flat list that a forward pass runs through.

Every tensor of a pass has a number, so that running is a walk over a list without names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from akid_core.data.batch import Batch
from akid_core.errors import DataError
from akid_core.graph.resolved import Call, Value
from akid_core.specs.layer import Loss, Metric
from akid_torch.applied import Tap, applied
from akid_torch.context import Frame
from akid_torch.operation import Operation, Slots, ending, walk
from akid_torch.recompute import pieces

T = TypeVar("T")


class Program:
    """Runs `calls`, which stand in order. Their inputs and `targets` that no call gives come from outside.

    `fields`: the names of what the batch must hold. `given`: which of the values asked for come from outside though a
    call may give them. `recompute`: globs of the calls whose values are not kept for the backward pass, see
    `akid_torch.recompute`. `taps`: who sees what calls take and give; meanwhile nothing is recomputed.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        calls: Iterable[Call],
        targets: Mapping[Value, str] | None = None,
        recompute: Sequence[str] = (),
        given: Collection[Value] = (),
        taps: Sequence[Tap] = (),
    ) -> None:
        self.numbers: dict[Value, int] = {}
        self._users: dict[Value, str] = {}
        self._count = 0
        calls, targets, recompute = tuple(calls), targets or {}, () if taps else recompute
        made = {call.path for call in calls}
        for call in calls:
            for value in inputs_of(call):
                if value.source not in made or value in given:
                    self._take(value, f"The block {call.path!r}")
        for value in targets:
            if value in given:
                self._take(value, targets[value])
        placed = modules if taps else _pooled_first(modules, calls, targets)
        operations = [self._operation(placed[call.path], call, modules, taps) for call in calls]
        for value, user in targets.items():
            self._take(value, user)
        keep = {self.numbers[value] for value in targets}
        self.operations = ending(pieces(operations, keep, recompute), keep)
        # The first pass proves every call, the others run as fast as they can; a pass that failed proved nothing.
        proving = [operation.proving for operation in operations]
        self._unproven = ending(pieces(proving, keep, recompute), keep)
        self.given = tuple(value for value in self._users if value in given)
        self.fields = tuple(value.source for value in self._users if value not in given)
        self._entries = tuple(self.numbers[value] for value in (*map(Value, self.fields), *self.given))

    def pick(self, fields: Mapping[str, T]) -> list[T]:
        """The fields that are used, in the order of `self.fields`. Raises `DataError` for one that is missing."""
        for name in self.fields:
            if name not in fields:
                user = self._users[Value(name)]
                raise DataError(
                    f"{user} needs the field {name!r}, and the batch has none so named; it has: {', '.join(fields)}."
                )
        return [fields[name] for name in self.fields]

    def run(self, values: Iterable[Tensor], frame: Frame) -> Slots:
        """One pass; `values` are those of `fields` and `given`. A failure says in which block, with which inputs."""
        slots: Slots = [None] * self._count
        for entry, value in zip(self._entries, values, strict=True):
            slots[entry] = value
        if self._unproven and not torch.compiler.is_dynamo_compiling():
            walk(self._unproven, slots, frame)
            self._unproven = ()
        else:
            walk(self.operations, slots, frame)
        return slots

    def sources(self, call: Call) -> tuple[int, ...]:
        """Where the inputs of a call lie."""
        return tuple(self.numbers[value] for value in inputs_of(call))

    def _operation(
        self, module: nn.Module, call: Call, modules: Mapping[str, nn.Module], taps: Sequence[Tap]
    ) -> Operation:
        first, count = self._count, len(call.out_specs)
        self._count += count
        for output in range(count):
            self.numbers.setdefault(Value(call.path, output), first + output)  # what is given stays as it is
        way = applied(module, call, taps, own=module is modules[call.path])
        return Operation(way.run, way.proof, way.framed, self.sources(call), first, count, call.path)

    def _take(self, value: Value, user: str) -> None:
        """Number a value; if no call gave it, it comes from outside."""
        if value not in self.numbers:
            self.numbers[value] = self._count
            self._users[value] = user
            self._count += 1


def inputs_of(call: Call) -> tuple[Value, ...]:
    """The inputs of a call; the sample weights enter losses and metrics."""
    return (*call.inputs, Value(Batch.WEIGHTS)) if isinstance(call.layer, Loss | Metric) else call.inputs


def _pooled_first(
    modules: Mapping[str, nn.Module], calls: Sequence[Call], targets: Mapping[Value, str]
) -> Mapping[str, nn.Module]:
    """The modules, with a ReLU and the max pooling that alone takes its output in each other's place.

    Both orders give the same values, since ReLU is monotonic, and the same gradients, since where it makes ties it lets
    none through; but after pooling there is a fraction of the elements to rectify.
    """
    users: dict[Value, list[Call]] = {}
    for call in calls:
        for value in call.inputs:
            users.setdefault(value, []).append(call)
    placed = dict(modules)
    for call in calls:
        output = Value(call.path)
        taken = users.get(output, [])
        if type(modules[call.path]) is nn.ReLU and len(taken) == 1 and output not in targets:
            user = taken[0].path
            if type(modules[user]) in (nn.MaxPool1d, nn.MaxPool2d):
                placed[call.path], placed[user] = modules[user], modules[call.path]
    return placed
