"""Edge and Node: how blocks are wired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akid_core.errors import suggest

if TYPE_CHECKING:
    from akid_core.specs.layer import Block

INITIAL = ("zeros", "learned")
"""What a delayed value may be before the first step, beside a number."""

_EDGE = re.compile(r"(?P<source>[A-Za-z_][\w.\-/]*?)(?::(?P<output>\d+))?(?:@-(?P<delay>\d+))?")


@dataclass(frozen=True, slots=True)
class Edge:
    """A value used as an input: output number `output` of the block (or input, or batch field) `source`.

    With `delay` k it is the value k steps ago: of the `Unroll` around, or, outside any, of training. `initial` is what
    it was before the first step: `"zeros"`, a number, or `"learned"`, a parameter that starts at zero.
    """

    source: str
    output: int = 0
    delay: int = 0
    initial: float | str = "zeros"

    def __post_init__(self) -> None:
        if self.output < 0 or self.delay < 0:
            raise ValueError(f"output and delay of an edge count from 0, got {self.output} and {self.delay}")
        if isinstance(self.initial, str) and self.initial not in INITIAL:
            raise ValueError(
                f"initial is {' or '.join(map(repr, INITIAL))} or a number, got {self.initial!r}."
                f"{suggest(self.initial, INITIAL)}"
            )
        if self.initial != "zeros" and not self.delay:
            raise ValueError(f"initial {self.initial!r} is said of an edge without a delay: write {self.source}@-1")

    @classmethod
    def parse(cls, text: str) -> Edge:
        """Read `path[:output][@-delay]`, such as `readout@-1` or `split:1`."""
        match = _EDGE.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is not an input: write path[:output][@-delay], such as conv1, split:1, readout@-1"
            )
        return cls(match["source"], int(match["output"] or 0), int(match["delay"] or 0))

    def __str__(self) -> str:
        output = f":{self.output}" if self.output else ""
        delay = f"@-{self.delay}" if self.delay else ""
        return f"{self.source}{output}{delay}"


@dataclass(frozen=True, slots=True)
class Node:
    """A block at its place: its name there, what it takes, and whose parameters it uses.

    `name` None: called by its class and count. `inputs` empty: the first output of the node before, or the System's
    first input. `share`: the name of the node whose parameters this one uses; equality alone never shares.
    """

    name: str | None
    block: Block
    inputs: tuple[Edge, ...] = ()
    share: str | None = None
