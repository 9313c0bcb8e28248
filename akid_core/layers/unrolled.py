"""Layers that a System over time is unrolled into: steps cut apart and put together, and what is carried between."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.initializers import Constant, Zeros
from akid_core.layers.checks import check_axis, known_size, read_axes
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Unstack(Layer):
    """Each position along an axis as an output of its own: `unstack`, `unstack:1`, `unstack:2` and so on.

    x: (batch, ...) -> as many outputs as the axis is long, each without it.
    """

    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)

    def outputs(self, x: TensorSpec) -> tuple[TensorSpec, ...]:
        axis = check_axis(x, self.axis)
        return (without(x, axis),) * known_size(x, axis)

    def forward(self, context: Context, x: Array) -> tuple[Array, ...]:
        spec = context.call.in_specs[0]
        axis = check_axis(spec, self.axis)
        before = (slice(None),) * axis
        return tuple(x[(*before, position)] for position in range(known_size(spec, axis)))


@dataclass(frozen=True, kw_only=True)
class Stack(Layer):
    """Values side by side along a new axis.

    *inputs: each (batch, ...), of one shape -> (batch, ...) with the axis, as long as there are inputs.
    """

    axis: int = 1

    def __post_init__(self) -> None:
        read_axes(self.axis)

    def outputs(self, first: TensorSpec, *others: TensorSpec) -> TensorSpec:
        for other in others:
            if (other.shape, other.dtype) != (first.shape, first.dtype):
                raise ValueError(f"stacks values of one shape and type, got {first} and {other}")
        return with_axis(first, self.axis, 1 + len(others))

    def forward(self, context: Context, *inputs: Array) -> Array:
        before = (slice(None),) * self.axis
        return context.ops.concat([x[(*before, None)] for x in inputs], self.axis)


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
        kept = context.params["values"]
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


def without(x: TensorSpec, axis: int) -> TensorSpec:
    """The spec without an axis."""
    letters = x.axes[:axis] + x.axes[axis + 1 :]
    return x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :], axes=letters)


def with_axis(x: TensorSpec, axis: int, size: int) -> TensorSpec:
    """The spec with a new axis, whose letter is T. Raises `ValueError` where it has not as many dimensions."""
    if not 0 < axis <= x.rank:
        raise ValueError(f"axis {axis} has no place in {x}")
    letters = f"{x.axes[:axis]}T{x.axes[axis:]}" if x.axes and "T" not in x.axes else ""
    return x.with_shape(*x.shape[:axis], size, *x.shape[axis:], axes=letters)
