"""Attention of several heads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from akid_core.initializers import GlorotUniform, Initializer, Zeros
from akid_core.layers.sequence import check_mask, check_sequence, truth
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec

LOWEST = -1e30
"""The score of a key that is not attended: its exponential is 0 beside any other, and it is no infinity."""


@dataclass(frozen=True, kw_only=True)
class MultiHeadAttention(Layer):
    """Each step of the queries takes the mean of the values, weighted by softmax(query . key / sqrt(key_size)).

    Queries, keys and values are projections of the inputs, cut into `heads`; what the heads give is joined and
    projected to `units` features (by default those of the query). `key_size`: features of each head, by default those
    of the query shared among the heads. `causal`: step t attends keys 0 to t alone. `dropout`: weights are set to 0 at
    random in training, as by `Dropout`, at (head, step, key). The softmax is at least float32. Source: Vaswani et al.,
    "Attention is all you need", 2017, section 3.2.

    Inputs: `x` for self-attention, or `query, key, value`; and last, if wanted, a mask of the keys, truth values or
    integers (batch, keys): where it is false a key is not attended. A step that may attend no key takes 0 of the
    values. What is masked must still be finite.

    x, query: (batch, steps, features); key, value: (batch, keys, features) -> (batch, steps, units). query_weight,
    key_weight, value_weight: IO (features, heads * key_size), head after head. output_weight: IO (heads * key_size,
    units). query_bias, value_bias, output_bias: (out,); a bias of the keys would move all scores of a step alike, which
    the softmax does not see.
    """

    heads: int
    units: int | None = None
    key_size: int | None = None
    causal: bool = False
    dropout: float = 0.0
    bias: bool = True
    weight_init: Initializer = field(default_factory=GlorotUniform)
    bias_init: Initializer = field(default_factory=Zeros)

    def __post_init__(self) -> None:
        for name in ("heads", "units", "key_size"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is the share of weights set to zero, from 0 to below 1, got {self.dropout!r}")

    def outputs(self, *inputs: TensorSpec) -> TensorSpec:
        query, key, value = self.sources(inputs)
        for spec in (query, key, value):
            check_sequence(spec)
        if not query.dtype == key.dtype == value.dtype:
            raise ValueError(f"takes query, key and value of one type, got {query}, {key} and {value}")
        if key.shape[1] != value.shape[1]:
            raise ValueError(f"takes a value for each key, got keys {key} and values {value}")
        if self.masked(inputs):
            check_mask(inputs[-1], key)
        self.size(query)
        if self.dropout:
            self.weights_row(inputs)
        out: TensorSpec = query.with_shape(*query.shape[:2], self.units or check_sequence(query), axes=query.axes)
        return out

    def params(self, *inputs: TensorSpec) -> tuple[ParamSpec, ...]:
        query, key, value = self.sources(inputs)
        inner = self.heads * self.size(query)
        entering = {name: check_sequence(spec) for name, spec in zip(_PROJECTED, (query, key, value), strict=True)}
        return (
            *(param for name, features in entering.items() for param in self._projection(name, features, inner)),
            *self._projection("output", inner, self.units or check_sequence(query)),
        )

    def forward(self, context: Context, *inputs: Array) -> Array:
        ops, specs = context.ops, context.call.in_specs
        wide = context.wide(specs[0].dtype)
        query, key, value = (
            self.split(context, self.project(context, name, x))
            for name, x in zip(_PROJECTED, self.sources(inputs), strict=True)
        )
        scores = ops.matmul(query, ops.permute_dims(key, (0, 1, 3, 2))) * (1.0 / math.sqrt(self.size(specs[0])))
        weights = self.weights(context, ops.astype(scores, wide), inputs)
        if context.training and self.dropout:
            kept = context.keep(1.0 - self.dropout, self.weights_row(specs))
            weights = ops.where(kept, weights * (1.0 / (1.0 - self.dropout)), 0.0)
        heads = ops.matmul(ops.astype(weights, specs[0].dtype), value)
        return self.project(context, "output", self.join(context, heads))

    def weights(self, context: Context, scores: Array, inputs: tuple[Array, ...]) -> Array:
        """The softmax of the scores (batch, heads, steps, keys) over the keys that are attended; 0 elsewhere."""
        ops, allowed = context.ops, self.allowed(context, scores, inputs)
        if allowed is not None:
            scores = ops.where(allowed, scores, LOWEST)
        powers = ops.exp(scores - ops.stop_gradient(ops.max(scores, axis=3, keepdims=True)))
        weights = powers / ops.sum(powers, axis=3, keepdims=True)
        return weights if allowed is None else ops.where(allowed, weights, 0.0)

    # -- parts that native builders share

    def masked(self, inputs: tuple[Array | TensorSpec, ...]) -> bool:
        """Whether the last of the inputs is a mask of the keys. Raises `ValueError` for another number of inputs."""
        if len(inputs) not in (1, 2, 3, 4):
            raise ValueError(f"takes x or query, key, value, and a mask last if there is one, got {len(inputs)} inputs")
        return len(inputs) % 2 == 0

    def sources(self, inputs: tuple[Array, ...]) -> tuple[Array, Array, Array]:
        """Where query, key and value come from."""
        given = inputs[:-1] if self.masked(inputs) else inputs
        return (given[0], given[0], given[0]) if len(given) == 1 else (given[0], given[1], given[2])

    def allowed(self, context: Context, scores: Array, inputs: tuple[Array, ...]) -> Array | None:
        """Which keys each step attends, to be broadcast to (batch, heads, steps, keys); None: all."""
        ops, allowed = context.ops, None
        if self.masked(inputs):
            mask = truth(context, inputs[-1], context.call.in_specs[-1])
            allowed = ops.reshape(mask, (scores.shape[0], 1, 1, -1 if scores.shape[3] is None else scores.shape[3]))
        if self.causal:
            ones = ops.zeros_like(scores[:1, :1]) + 1.0
            past = ops.cumulative_sum(ones, axis=3) <= ops.cumulative_sum(ones, axis=2)
            allowed = past if allowed is None else ops.logical_and(allowed, past)
        return allowed

    def size(self, query: TensorSpec) -> int:
        """The features of one head. Raises `ValueError` where those of the query cannot be shared among the heads."""
        if self.key_size is None and check_sequence(query) % self.heads:
            raise ValueError(f"cannot share {check_sequence(query)} features among {self.heads} heads: say `key_size`")
        return self.key_size or check_sequence(query) // self.heads

    def weights_row(self, specs: tuple[TensorSpec, ...]) -> tuple[int, ...]:
        """The shape of a row of weights: (heads, steps, keys)."""
        query, key, _ = self.sources(specs)
        return self.heads, query.row[0], key.row[0]

    def project(self, context: Context, name: str, x: Array) -> Array:
        out = context.ops.matmul(x, context.params[f"{name}_weight"])
        return out + context.params[f"{name}_bias"] if f"{name}_bias" in context.params else out

    def split(self, context: Context, x: Array) -> Array:
        """(batch, steps, heads * size) -> (batch, heads, steps, size)."""
        steps = -1 if x.shape[1] is None else x.shape[1]  # a tensor that is traced may not know them
        size = self.size(context.call.in_specs[0])
        return context.ops.permute_dims(context.ops.reshape(x, (x.shape[0], steps, self.heads, size)), (0, 2, 1, 3))

    def join(self, context: Context, heads: Array) -> Array:
        """(batch, heads, steps, size) -> (batch, steps, heads * size)."""
        steps = -1 if heads.shape[2] is None else heads.shape[2]
        inner = self.heads * self.size(context.call.in_specs[0])
        return context.ops.reshape(context.ops.permute_dims(heads, (0, 2, 1, 3)), (heads.shape[0], steps, inner))

    def _projection(self, name: str, entering: int, leaving: int) -> tuple[ParamSpec, ...]:
        weight = ParamSpec(
            name=f"{name}_weight",
            shape=(entering, leaving),
            axes="IO",
            init=self.weight_init,
            fan_in=entering,
            fan_out=leaving,
        )
        bias = ParamSpec(name=f"{name}_bias", shape=(leaving,), axes="O", init=self.bias_init)
        return (weight, bias) if self.bias and name != "key" else (weight,)


_PROJECTED = ("query", "key", "value")
