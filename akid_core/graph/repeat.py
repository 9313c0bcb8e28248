"""Repeat: a System several times in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from akid_core.errors import GraphError
from akid_core.graph.node import Edge, Node
from akid_core.graph.system import System


@dataclass(frozen=True, kw_only=True)
class Repeat(System):
    """Blocks several times in a row: `Repeat.sequential(Dense(name="fc", units=8), ReLU(), times=4, name="stage")`.

    Each copy takes what the one before gives, the first one what the Repeat takes, so there must be as many outputs as
    inputs. Copies are called by their number, from 1: `stage/1/fc`, `stage/2/fc`. Each has parameters of its own;
    `shared`: all use those of the first.
    """

    times: int | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.times is None:
            raise ValueError("needs times, the number of copies")
        if self.times < 1:
            raise ValueError(f"times is a number of copies of at least 1, got {self.times}")
        takes, gives = self.input_names, self._given("1")
        if len(takes) != len(gives) and self.times > 1:
            raise GraphError(
                f"A Repeat gives as many values as it takes, since each copy takes those of the one before; this one "
                f"takes {', '.join(takes) or 'nothing'} and gives {', '.join(self.outputs) or 'its last block'}."
            )

    @cached_property
    def body(self) -> System:
        """What is repeated."""
        return System(nodes=self.nodes, inputs=self.inputs, outputs=self.outputs)

    @cached_property
    def named(self) -> Mapping[str, Node]:
        """The copies by number."""
        numbers = [str(number + 1) for number in range(self.times or 0)]
        before = (None, *numbers)
        return {
            number: Node(number, self.body, self._given(last), "1" if self.shared and last else None)
            for number, last in zip(numbers, before, strict=False)
        }

    @property
    def ends(self) -> tuple[Edge, ...]:
        return self._given(str(self.times))

    def _given(self, copy: str | None) -> tuple[Edge, ...]:
        """What a copy gives, or, before the first one, what the Repeat takes."""
        if copy is None:
            return tuple(map(Edge, self.input_names))
        return tuple(Edge(copy, output) for output in range(max(len(self.body.ends), 1)))
