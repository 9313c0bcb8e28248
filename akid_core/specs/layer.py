"""Block and Layer: what every part of a network is.

A Layer is plain data. From the specs of its inputs it states its outputs and parameters, and `forward` defines its
meaning in the portable operations (`akid_core.ops`), once for every backend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from akid_core.specs.names import snake_case
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec, wider

if TYPE_CHECKING:
    from akid_core.graph.node import Edge, Node
    from akid_core.specs.context import Context

Array = Any
"""A tensor of whatever backend runs: NumPy's tape, `torch.Tensor`, `tf.Tensor`; all have Python's operators."""

Outputs = TensorSpec | tuple[TensorSpec, ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Anything with a name and a configuration that takes inputs and gives outputs."""

    name: str | None = None

    @classmethod
    def component(cls) -> str:
        """The name of this class in YAML and in the registry."""
        return snake_case(cls.__name__)

    def on(self, *inputs: str | Edge, share: str | None = None) -> Node:
        """Place this block in a graph with the given inputs: `Add(name="sum").on("left", "right")`.

        An input is text (`path[:output][@-delay]`) or an `Edge`. `share` names the block whose parameters are used.
        """
        from akid_core.graph.node import Edge, Node

        edges = tuple(edge if isinstance(edge, Edge) else Edge.parse(edge) for edge in inputs)
        return Node(name=self.name, block=self, inputs=edges, share=share)


@dataclass(frozen=True, kw_only=True)
class Layer(Block):
    """The smallest block of a network.

    To write one, say `outputs`, `params` where there are any, and `forward`::

        @dataclass(frozen=True, kw_only=True)
        class Scale(Layer):
            def outputs(self, x: TensorSpec) -> TensorSpec:
                return x

            def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
                return (ParamSpec(name="scale", shape=(x.shape[-1],), init=Constant(value=1.0)),)

            def forward(self, context: Context, x: Array) -> Array:
                return x * context.params["scale"]
    """

    # `Any` stands for `TensorSpec`, so that a layer may say its own number of inputs and still pass a type checker.
    def outputs(self, *inputs: Any) -> Outputs:
        """The specs of the outputs. Raise `ValueError` with one sentence where the inputs do not fit."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say its outputs: define `outputs`, such as one that takes the spec x "
            "and returns it"
        )

    def params(self, *inputs: Any) -> tuple[ParamSpec, ...]:
        """The parameters, in the order in which they are shown."""
        return ()

    def forward(self, context: Context, *inputs: Array) -> Array | tuple[Array, ...]:
        """The meaning, in `context.ops` and Python's operators, in the canonical layout (batch, channels, space)."""
        raise NotImplementedError(f"{type(self).__name__} has no portable definition")


@dataclass(frozen=True, kw_only=True)
class Loss(Layer):
    """A layer that is minimised: `forward` gives a value and a weight for each row, each of shape `(batch,)`.

    The objective is `weight` times the weighted mean of the values over the *global* batch, so that short batches,
    micro-batches, masks and ranks count rightly. The batch's own sample weights are multiplied in by the backend.

    A row whose weight is then 0 is masked: its value is 0 and so is its gradient, whatever `forward` gave, as for a
    label of -1 that marks padding. Its inputs must still be finite, floating labels too, since a value that is no
    number makes the gradients of shared parameters none; and it still counts in the statistics of `BatchNorm`.
    """

    weight: float = 1.0

    def outputs(self, *inputs: TensorSpec) -> Outputs:
        self.check(*inputs)
        dtype = wider(next((spec.dtype for spec in inputs if spec.floating), "float32"))
        row = TensorSpec((inputs[0].shape[0],), dtype, "N")
        return row, row

    def check(self, *inputs: Any) -> None:
        """Raise `ValueError` with one sentence where the inputs do not fit; how many there are, its signature says."""

    def forward(self, context: Context, *inputs: Array) -> tuple[Array, Array]:
        raise NotImplementedError(f"{type(self).__name__} has no portable definition")


State = dict[str, Any]
"""What a metric accumulates: NumPy arrays by name."""


@dataclass(frozen=True, kw_only=True)
class Metric(Layer):
    """A figure over many batches: additive parts of each batch, and the result of their sum.

    `parts` names the outputs of `forward`, each a number or array that adds over batches (`reduction = "sum"`), or
    rows that are gathered (`reduction = "gather"`). `forward` receives its inputs and then the sample weights (batch,);
    a row of weight 0 must not count. `scalar`: whether `result` is a number; an array is shown and saved, but nothing
    can track it.
    """

    parts: ClassVar[tuple[str, ...]] = ("sum", "count")
    reduction: ClassVar[str] = "sum"
    scalar: ClassVar[bool] = True

    def outputs(self, *inputs: TensorSpec) -> Outputs:
        self.check(*inputs)
        return tuple(TensorSpec((), "float32") for _ in self.parts)

    def check(self, *inputs: Any) -> None:
        """Raise `ValueError` with one sentence where the inputs do not fit; how many there are, its signature says."""

    def forward(self, context: Context, *inputs: Array) -> tuple[Array, ...]:
        """`*inputs, weights` -> one array for each of `parts`."""
        raise NotImplementedError(f"{type(self).__name__} has no portable definition")

    def merge(self, states: Sequence[Mapping[str, Any]]) -> State:
        """Join the states of several batches, spans, ranks or checkpoints."""
        import numpy

        join = sum if self.reduction == "sum" else numpy.concatenate
        return {part: join([state[part] for state in states]) for part in self.parts}

    def result(self, state: Mapping[str, Any]) -> Any:
        """The figure, a number or an array; not a number where nothing was counted."""
        count = float(state["count"])
        return float(state["sum"]) / count if count else float("nan")
