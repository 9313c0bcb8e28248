"""Operation: one step of a pass, and the walk over a list of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from akid_torch.context import Frame

Slots = list[Any]
"""The tensors of one pass, by number."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: what runs, whether it wants the frame, the numbers it takes, and those it gives from `first` on.

    `proof`: the same, with the frame, holding the outputs to what the layer promises. `last`: the numbers that nothing
    takes afterwards; they are let go.
    """

    run: Callable[..., Any]
    proof: Callable[..., Any]
    framed: bool
    sources: tuple[int, ...]
    first: int
    count: int
    path: str
    last: tuple[int, ...] = ()

    @property
    def given(self) -> range:
        """The numbers of what it gives."""
        return range(self.first, self.first + self.count)

    @property
    def proving(self) -> Operation:
        """The same, holding its outputs to the promise."""
        return replace(self, run=self.proof, framed=True)


def walk(operations: Sequence[Operation], slots: Slots, frame: Frame) -> None:
    """Run the operations, which take their inputs from `slots` and put their outputs there.

    A failure says in which block it was, with which inputs.
    """
    for operation in operations:
        inputs = [slots[source] for source in operation.sources]
        try:
            result = operation.run(frame, *inputs) if operation.framed else operation.run(*inputs)
        except Exception as error:
            if operation.path:
                error.add_note(f"in block {operation.path!r} with inputs {_shapes(inputs)}")
            raise
        if isinstance(result, Tensor):
            slots[operation.first] = result
        else:
            slots[operation.first : operation.first + operation.count] = result
        for number in operation.last:
            slots[number] = None


def ending(operations: Sequence[Operation], keep: set[int]) -> tuple[Operation, ...]:
    """The operations, each with what it is the last to take or what nobody takes, but for what is kept."""
    done, needed = [], set(keep)
    for operation in reversed(operations):
        touched = {*operation.sources, *operation.given}
        done.append(replace(operation, last=tuple(sorted(touched - needed))))
        needed |= touched
    return tuple(reversed(done))


def _shapes(inputs: Sequence[Any]) -> str:
    return ", ".join(f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}" for x in inputs)
