"""Program: the calls that some targets need, in order, as a flat list that a forward pass runs through.

Every tensor of a pass has a number, so that running is a walk over a list without names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from torch import Tensor, nn

from akid_core.backends.promise import kept
from akid_core.data.batch import Batch
from akid_core.errors import DataError
from akid_core.graph.resolved import Call, Value
from akid_core.specs.layer import Loss, Metric
from akid_torch.context import Frame, FrameModule
from akid_torch.measures import masked
from akid_torch.operation import Operation, Slots, ending, walk
from akid_torch.recompute import pieces

T = TypeVar("T")


class Program:
    """Runs `calls`, which stand in order. Their inputs and `targets` that no call gives come from outside.

    `fields`: the names of what the batch must hold. `delayed`: what must come from the past. `recompute`: globs of the
    calls whose values are not kept for the backward pass, see `akid_torch.recompute`.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        calls: Iterable[Call],
        targets: Mapping[Value, str] | None = None,
        recompute: Sequence[str] = (),
    ) -> None:
        self.numbers: dict[Value, int] = {}
        self._users: dict[Value, str] = {}
        calls = tuple(calls)
        made = {call.path for call in calls}
        for call in calls:
            for value in inputs_of(call):
                if value.source not in made or value.delay:
                    self._take(value, f"The block {call.path!r}")
        placed = _pooled_first(modules, calls, targets or {})
        own = {call.path for call in calls if placed[call.path] is modules[call.path]}
        operations = [self._operation(placed[call.path], call, call.path in own) for call in calls]
        for value, user in (targets or {}).items():
            self._take(value, user)
        keep = {self.numbers[value] for value in targets or {}}
        self.operations = ending(pieces(operations, keep, recompute), keep)
        # The first pass proves every call, the others run as fast as they can; a pass that failed proved nothing.
        proving = [operation.proving for operation in operations]
        self._unproven = ending(pieces(proving, keep, recompute), keep)
        self.fields = tuple(value.source for value in self._users if not value.delay)
        self.delayed = tuple(value for value in self._users if value.delay)
        self._entries = tuple(self.numbers[value] for value in (*map(Value, self.fields), *self.delayed))

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
        """One pass; `values` are those of `fields` and `delayed`. A failure says in which block, with which inputs."""
        slots: Slots = [None] * len(self.numbers)
        for entry, value in zip(self._entries, values, strict=True):
            slots[entry] = value
        walk(self._unproven or self.operations, slots, frame)
        self._unproven = ()
        return slots

    def sources(self, call: Call) -> tuple[int, ...]:
        """Where the inputs of a call lie."""
        return tuple(self.numbers[value] for value in inputs_of(call))

    def _operation(self, module: nn.Module, call: Call, own: bool) -> Operation:
        """`own`: the module is that of the call, and not of another in whose place it runs."""
        first = len(self.numbers)
        self.numbers.update({Value(call.path, output): first + output for output in range(len(call.out_specs))})
        framed = isinstance(module, FrameModule)
        run: Callable[..., Any] = module
        proof = _proof(module, framed, call if own else None)
        if isinstance(call.layer, Loss):
            run, framed, proof = _weighted(module, framed), True, _weighted(proof, framed=True)
        return Operation(run, proof, framed, self.sources(call), first, len(call.out_specs), call.path)

    def _take(self, value: Value, user: str) -> None:
        """Number a value; if no call gave it, it comes from outside."""
        if value not in self.numbers:
            self.numbers[value] = len(self.numbers)
            self._users[value] = user


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


def _proof(module: nn.Module, framed: bool, call: Call | None) -> Callable[..., Any]:
    """What runs the module of a call and holds its outputs to the promise, if there is a call."""

    def run(frame: Frame, *inputs: Tensor) -> Any:
        outputs = module(frame, *inputs) if framed else module(*inputs)
        return outputs if call is None else kept(call, inputs, outputs, Tensor)

    return run


def _weighted(module: Callable[..., Any], framed: bool) -> Callable[..., tuple[Tensor, Tensor]]:
    """A loss whose weights are multiplied by the batch's own."""

    def run(frame: Frame, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        *values, sample_weights = inputs
        value, weight = module(frame, *values) if framed else module(*values)
        weight = weight * sample_weights.to(weight.dtype)
        return masked(value, weight), weight

    return run
