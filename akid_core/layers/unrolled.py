"""What a System over time is unrolled into, beside its own layers: where it begins, what is carried, where it stops."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.initializers import Constant, Zeros
from akid_core.layers.stack import with_axis
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Initial(Layer):
    """What a value was before the first step, for every row: a number, or learnt.

    -> (batch, ...) as `spec` says. value: the shape of one row, where it is learnt.
    """

    spec: TensorSpec
    value: float | None = 0.0

    def outputs(self) -> TensorSpec:
        return self.spec

    def params(self) -> tuple[ParamSpec, ...]:
        if self.value is not None:
            return ()
        return (ParamSpec(name="value", shape=self.spec.row, axes=self.spec.axes[1:], init=Zeros()),)

    def forward(self, context: Context) -> Array:
        ops, spec = context.ops, self.spec
        rows = ops.astype(ops.zeros_like(ops.reshape(context.rows, (-1, *(1,) * len(spec.row)))), spec.dtype)
        if self.value is None:
            value = ops.astype(context.params["value"], spec.dtype)[None]
        else:
            value = ops.broadcast_to(ops.asarray(self.value, spec.dtype), (1, *spec.row))
        return rows + value


@dataclass(frozen=True, kw_only=True)
class Before(Layer):
    """The last values of the batch before, row by row; in evaluation, and at the first step of an epoch, the initial.

    `depth`: how many. `rows`: of a batch. `period`: steps of an epoch.

    initial: (batch, ...) -> `depth` outputs like it, the newest first. values: (rows, depth, ...), the newest first.
    """

    depth: int
    rows: int
    period: int

    def outputs(self, initial: TensorSpec) -> tuple[TensorSpec, ...]:
        return (initial,) * self.depth

    def params(self, initial: TensorSpec) -> tuple[ParamSpec, ...]:
        shape = (self.rows, self.depth, *initial.row)
        return (ParamSpec(name="values", shape=shape, dtype=initial.dtype, init=Constant(value=0.0), role="state"),)

    def forward(self, context: Context, initial: Array) -> tuple[Array, ...]:
        if not context.training:
            return (initial,) * self.depth
        ops, step = context.ops, context.step
        # The first step is known by its number, so that a run that is resumed begins its epochs at the same ones.
        whole = ops.astype(ops.astype(step, "float64") / self.period, "int32")
        first = ops.reshape(ops.equal(step, whole * self.period), (1,) * len(initial.shape))
        kept = ops.take(context.params["values"], context.rows, 0)
        return tuple(ops.where(first, initial, kept[:, position]) for position in range(self.depth))


@dataclass(frozen=True, kw_only=True)
class After(Layer):
    """Keep the last values of a batch for the next one; it shares the parameter of a `Before`.

    *newest: each (batch, ...), the newest first -> (batch, depth, ...), what is kept.
    """

    def outputs(self, first: TensorSpec, *others: TensorSpec) -> TensorSpec:
        return with_axis(first, 1, 1 + len(others))

    def forward(self, context: Context, *newest: Array) -> Array:
        ops = context.ops
        kept = ops.stop_gradient(ops.concat([x[:, None] for x in newest], 1))
        context.update("values", kept)
        return kept


@dataclass(frozen=True, kw_only=True)
class StopGradient(Layer):
    """The values as they are; no gradient flows back through them.

    x: (batch, ...) -> the same.
    """

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def forward(self, context: Context, x: Array) -> Array:
        return context.ops.stop_gradient(x)


INTERNAL = (Initial, Before, After, StopGradient)
"""Layers that no description has: they stand between those that it has."""
