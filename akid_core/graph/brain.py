"""Brain: the System that is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from akid_core.config.located import Where
from akid_core.errors import DuplicateNameError, GraphError
from akid_core.graph.expand import Stream
from akid_core.graph.node import Edge, Node
from akid_core.graph.resolve import resolve
from akid_core.graph.resolved import Graph
from akid_core.graph.system import System, as_node, check_place
from akid_core.graph.wiring import wiring
from akid_core.plugins import Registry, default_manager
from akid_core.specs.layer import Block, Loss, Metric
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Brain(System):
    """A network with what it is trained on: `Brain.sequential(…, inputs="image").with_loss(loss, "logits", "label")`.

    Losses and metrics take values of its blocks and inputs; any other name is a field of the batch. A Brain may stand
    inside another: its losses and metrics then count there too, and the precision is that of the outermost.
    """

    losses: tuple[Node, ...] = ()
    metrics: tuple[Node, ...] = ()
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "losses", tuple(map(as_node, self.losses)))
        object.__setattr__(self, "metrics", tuple(map(as_node, self.metrics)))
        check_place(self.losses, "losses")
        check_place(self.metrics, "metrics")

    @property
    def members(self) -> tuple[Node, ...]:
        return self.nodes + self.losses + self.metrics

    def with_blocks(self, *blocks: Block | Node) -> Self:
        """The same Brain with more blocks behind its own; it gives what it gave.

        Raises `DuplicateNameError` where it has a block, or an input, of such a name already.
        """
        nodes = tuple(map(as_node, blocks))
        for node in nodes:
            if node.name in self.named or node.name in self.input_names:
                raise DuplicateNameError(
                    f"A block '{node.name}' is to be added, and the Brain has one called so already: rename that."
                )
        return replace(self, nodes=self.nodes + nodes, outputs=tuple(map(str, wiring(self).outputs)))

    def with_loss(self, loss: Loss, *inputs: str | Edge, name: str | None = None) -> Self:
        """The same Brain with one more loss: `brain.with_loss(SoftmaxCrossEntropy(), "logits", "label")`."""
        return replace(self, losses=(*self.losses, _named(loss.on(*inputs), name)))

    def with_metric(self, metric: Metric, *inputs: str | Edge, name: str | None = None) -> Self:
        """The same Brain with one more metric: `brain.with_metric(Accuracy(), "logits", "label")`."""
        return replace(self, metrics=(*self.metrics, _named(metric.on(*inputs), name)))

    def resolve(
        self,
        fields: Mapping[str, TensorSpec] | None = None,
        *,
        losses: bool = True,
        stream: Stream | None = None,
        stepwise: bool = False,
    ) -> Graph:
        """Settle every name, order and spec against the fields of a batch; raise a typed error for what does not fit.

        `fields` may leave out inputs whose spec the Brain states. Without `losses` only what prediction needs is
        settled, so the fields that losses and metrics use may be missing. `stream`: how batches follow one another,
        which a Brain needs that carries values from one to the next while it is trained. `stepwise`: make all that is
        carried inputs, `Graph.lines`.
        """
        for path, block in self.blocks.items():
            if isinstance(block, Brain) and block.precision not in (Precision(), self.precision):
                raise GraphError(
                    f"The Brain '{path}' asks for another precision than the one around it: leave it to the outermost."
                )
        return resolve(self, fields or {}, losses=losses, stream=stream, stepwise=stepwise)

    def summary(self, fields: Mapping[str, TensorSpec] | None = None, *, losses: bool = True) -> str:
        """A table of the blocks with settings, shapes and numbers of parameters; arguments as of `resolve`."""
        from akid_core.graph.summary import summary

        return summary(self.resolve(fields, losses=losses))

    def draw(self, fields: Mapping[str, TensorSpec] | None = None, *, depth: int | None = None) -> str:
        """A picture of the description as SVG: blocks in boxes, from the inputs down to outputs, losses and metrics.

        With `fields`, or where the Brain states the specs of all its inputs, shapes and numbers of parameters stand in
        it, and blocks that do not fit together are an error; else a Brain is drawn as it is. `fields` may leave out
        what losses and metrics take. `depth`: how many levels of Systems are shown, 1 for the blocks of the Brain
        alone; None for all.
        """
        from akid_core.graph.draw import draw

        if depth is not None and depth < 1:
            raise ValueError(f"depth is a number of levels of at least 1, got {depth}")
        known = fields is not None or set(self.input_names) <= set(self.input_specs)
        return draw(self, self.resolve(fields, losses=False) if known else None, fields or {}, depth=depth)

    def _repr_svg_(self) -> str:
        return self.draw()

    def to_config(self, registry: Registry | None = None) -> dict[str, Any]:
        """This Brain as plain data, the `brain:` of YAML. Raises `ConfigurationError` for what YAML cannot hold."""
        from akid_core.graph.describe import to_config

        data = to_config(self, registry or default_manager().registry, Where("brain"))
        return {"name": self.name, **data} if self.name else data

    @classmethod
    def from_config(cls, data: Any, registry: Registry | None = None, where: Where | str = "brain") -> Brain:
        """The Brain that plain data describes. Raises `ConfigurationError` that says where and what is valid."""
        from akid_core.graph.describe import from_config

        return from_config(data, registry or default_manager().registry, Where.of(where))


def _named(node: Node, name: str | None) -> Node:
    return node if name is None else replace(node, name=name)
