"""System: blocks wired together, itself a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from akid_core.errors import AmbiguousNameError, DuplicateNameError, GraphError
from akid_core.graph.lookup import find
from akid_core.graph.node import Edge, Node
from akid_core.specs.layer import Block, Loss, Metric
from akid_core.specs.names import BLOCK_NAME, automatic_names
from akid_core.specs.tensor import TensorSpec

Inputs = str | Sequence[str] | Mapping[str, TensorSpec]
"""What a System calls its inputs: one name, several, or names with the specs that they must have."""


@dataclass(frozen=True, kw_only=True)
class System(Block):
    """Blocks wired together: `System.sequential(Dense(units=10), ReLU())`.

    `inputs`: what its own inputs are called inside. `outputs`: which values it gives, in text `path[:output]`; by
    default the first output of its last node. A node without inputs takes the first output of the node before it, the
    first node the first input. Names are seen by the nodes of the same System alone; from outside, a block inside is
    `system/block`. With `evaluating` what is inside always behaves as in evaluation, in training too, and its state
    never moves, as of a teacher.
    """

    nodes: tuple[Node, ...] = ()
    inputs: Inputs = "input"
    outputs: str | Sequence[str] = ()
    evaluating: bool = False

    def __post_init__(self) -> None:
        inputs: Inputs = (self.inputs,) if isinstance(self.inputs, str) else self.inputs
        inputs = dict(inputs) if isinstance(inputs, Mapping) else tuple(inputs)
        outputs = (self.outputs,) if isinstance(self.outputs, str) else tuple(self.outputs)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "outputs", outputs)
        object.__setattr__(self, "nodes", tuple(map(as_node, self.nodes)))
        check_place(self.nodes, "blocks")

    @classmethod
    def sequential(
        cls,
        *blocks: Block | Node,
        inputs: Inputs = "input",
        outputs: str | Sequence[str] = (),
        name: str | None = None,
        **settings: Any,
    ) -> Self:
        """Blocks one after the other; a block that takes something else is placed with `block.on(…)`.

        `settings`: further fields of the class, such as `precision` of a Brain.
        """
        return cls(nodes=tuple(map(as_node, blocks)), inputs=inputs, outputs=outputs, name=name, **settings)

    @classmethod
    def graph(
        cls,
        *nodes: Node,
        inputs: Inputs = "input",
        outputs: str | Sequence[str] = (),
        name: str | None = None,
        **settings: Any,
    ) -> Self:
        """Blocks wired by name: `System.graph(Dense(name="a", units=2).on("x"), Add().on("a", "x"), inputs="x")`."""
        return cls(nodes=nodes, inputs=inputs, outputs=outputs, name=name, **settings)

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self.inputs)

    @property
    def input_specs(self) -> Mapping[str, TensorSpec]:
        """The specs of the inputs that state one."""
        return self.inputs if isinstance(self.inputs, Mapping) else {}

    @property
    def members(self) -> tuple[Node, ...]:
        """Everything that has a name here."""
        return self.nodes

    @cached_property
    def named(self) -> Mapping[str, Node]:
        """The members by name, in order.

        Raises `DuplicateNameError` for a name given twice, `AmbiguousNameError` for the name of an input given to a
        block, and `GraphError` for a name that cannot be one.
        """
        if len(set(self.input_names)) < len(self.input_names):
            raise DuplicateNameError(f"Two inputs share a name: {', '.join(self.input_names)}. Rename one of them.")
        names = automatic_names(((node.name, type(node.block).component()) for node in self.members), self.input_names)
        known: dict[str, Node] = {}
        for name, node in zip(names, self.members, strict=True):
            if name in known:
                raise DuplicateNameError(
                    f"Two blocks are called '{name}': {_class(known[name])} and {_class(node)}. Rename one of them; "
                    "to use the same parameters twice, name the other block in share=."
                )
            if name in self.input_names:
                raise AmbiguousNameError(f"'{name}' is both an input and a block ({_class(node)}): rename the block.")
            if not BLOCK_NAME.fullmatch(name):
                raise GraphError(
                    f"'{name}' cannot be the name of a block ({_class(node)}): begin with a letter and use letters, "
                    "digits, '_', '-' and '.'."
                )
            known[name] = node
        return known

    @property
    def ends(self) -> tuple[Edge, ...]:
        """The outputs that are said. Raises `GraphError` for one that is no value."""
        try:
            return tuple(map(Edge.parse, self.outputs))
        except ValueError as error:
            raise GraphError(f"{error}.") from error

    @cached_property
    def blocks(self) -> Mapping[str, Block]:
        """Every block inside by path, each System before what is in it."""
        found: dict[str, Block] = {}
        for name, node in self.named.items():
            found[name] = node.block
            if isinstance(node.block, System):
                found.update((f"{name}/{path}", block) for path, block in node.block.blocks.items())
        return found

    def __getitem__(self, path: str) -> Block:
        """The block at a path, or the only one whose path ends so: `brain["conv1"]`, `brain["encoder/conv1"]`.

        Raises `UnknownNameError`, or `AmbiguousNameError` where several end so.
        """
        return self.blocks[find(path, self.blocks)]


def as_node(part: Block | Node) -> Node:
    """A Node whose name is that of its block, so that equal descriptions are equal."""
    if isinstance(part, Block):
        return Node(part.name, part)
    if not isinstance(part, Node):
        raise TypeError(f"a System is made of blocks, got {part!r}")
    if part.name == part.block.name:
        return part
    name = part.name if part.name is not None else part.block.name
    return Node(name, replace(part.block, name=name), part.inputs, part.share)


def check_place(nodes: Sequence[Node], place: str) -> None:
    """Raise `GraphError` for a loss or metric among the blocks, where it would count for nothing, or the reverse."""
    for node in nodes:
        proper = {Loss: "losses", Metric: "metrics"}.get(_category(node.block), "blocks")
        if proper != place:
            raise GraphError(f"{_class(node)} belongs to the {proper} of a Brain, not to its {place}.")


def _category(block: Block) -> type[Block]:
    return next((base for base in (Loss, Metric) if isinstance(block, base)), Block)


def _class(node: Node) -> str:
    return type(node.block).__name__
