"""Recurrent layers: LSTM and GRU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from akid_core.initializers import GlorotUniform, Initializer, Orthogonal, Zeros
from akid_core.layers.sequence import check_mask, check_sequence, truth
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec


@dataclass(frozen=True, kw_only=True)
class Recurrent(Layer):
    """What recurrent layers share: a state, zero at first, that each step of a sequence moves.

    `return_sequences`: the output after each step, else that after the last one alone. `reverse`: the sequence is
    walked from its end to its beginning; outputs stay in the order of the steps, and the last one is that of step 0.

    A second input, if there is one, is a mask, truth values or integers (batch, steps): where it is false the step is
    passed over, so the state stays and the output repeats it. Sequences of several lengths are padded at their end.

    x: (batch, steps, features) -> (batch, steps, units), or (batch, units). weight: IO (features, gates * units).
    recurrent_weight: IO (units, gates * units). bias: (gates * units,).
    """

    units: int
    return_sequences: bool = False
    reverse: bool = False
    weight_init: Initializer = field(default_factory=GlorotUniform)
    recurrent_init: Initializer = field(default_factory=Orthogonal)
    bias_init: Initializer = field(default_factory=Zeros)

    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError(f"units must be at least 1, got {self.units}")

    def outputs(self, x: TensorSpec, *mask: TensorSpec) -> TensorSpec:
        check_sequence(x)
        if len(mask) > 1:
            raise ValueError(f"takes a sequence, and a mask if there is one, got {1 + len(mask)} inputs")
        for spec in mask:
            check_mask(spec, x)
        if self.return_sequences:
            return x.with_shape(*x.shape[:2], self.units, axes=x.axes)
        return x.with_shape(x.shape[0], self.units, axes="NC" if x.axes else "")

    def params(self, x: TensorSpec, *mask: TensorSpec) -> tuple[ParamSpec, ...]:
        features, width = check_sequence(x), self.gates * self.units
        return (
            ParamSpec(
                name="weight",
                shape=(features, width),
                axes="IO",
                init=self.weight_init,
                fan_in=features,
                fan_out=self.units,
            ),
            ParamSpec(
                name="recurrent_weight",
                shape=(self.units, width),
                axes="IO",
                init=self.recurrent_init,
                fan_in=self.units,
                fan_out=self.units,
            ),
            ParamSpec(name="bias", shape=(width,), axes="O", init=self.bias_init),
        )

    def forward(self, context: Context, x: Array, *mask: Array) -> Array:
        ops, params = context.ops, context.params
        entering = ops.matmul(x, params["weight"]) + params["bias"]
        there = truth(context, mask[0], context.call.in_specs[1]) if mask else None
        state = (ops.zeros_like(entering[:, 0, : self.units]),) * self.states
        outputs = {}
        for step in sorted(range(x.shape[1]), reverse=self.reverse):
            moved = self.step(context, entering[:, step], state)
            if there is not None:
                now = there[:, step : step + 1]
                moved = tuple(ops.where(now, new, old) for new, old in zip(moved, state, strict=True))
            state = moved
            outputs[step] = state[0]
        if not self.return_sequences:
            return state[0]
        return ops.concat([ops.reshape(outputs[step], (-1, 1, self.units)) for step in sorted(outputs)], axis=1)

    def step(self, context: Context, entering: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        """The next state, the output first. entering: (batch, gates * units), what comes of the input."""
        raise NotImplementedError(f"{type(self).__name__} does not say its step")

    def cut(self, x: Array) -> tuple[Array, ...]:
        """(batch, gates * units) by gate, each (batch, units)."""
        return tuple(x[:, start : start + self.units] for start in range(0, self.gates * self.units, self.units))


@dataclass(frozen=True, kw_only=True)
class LSTM(Recurrent):
    """Long short-term memory. Gates, in the order of the parameters' columns: input i, forget f, cell g, output o.

    i, f, o = sigmoid, g = tanh of (x @ weight + h @ recurrent_weight + bias); c' = f * c + i * g; h' = o * tanh(c').
    The output is h. Sources: Hochreiter and Schmidhuber, "Long short-term memory", 1997; Gers et al., "Learning to
    forget", 2000.

    See `Recurrent` for settings and inputs. weight, recurrent_weight, bias: 4 * units columns.
    """

    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    def step(self, context: Context, entering: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        ops, (output, cell) = context.ops, state
        i, f, g, o = self.cut(entering + ops.matmul(output, context.params["recurrent_weight"]))
        cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(cell), cell


@dataclass(frozen=True, kw_only=True)
class GRU(Recurrent):
    """Gated recurrent unit. Gates, in the order of the parameters' columns: reset r, update z, new n.

    r, z = sigmoid(x @ weight + h @ recurrent_weight + bias); n = tanh(x @ weight + bias + r * (h @ recurrent_weight +
    recurrent_bias)); h' = (1 - z) * n + z * h. The output is h. Source: Cho et al., "Learning phrase representations
    using RNN encoder-decoder", 2014, in the form whose reset comes after the product, as in torch and, with
    `reset_after`, in Keras; their second biases of r and z only add to the first ones, so there is one of n alone.

    See `Recurrent` for settings and inputs. weight, recurrent_weight, bias: 3 * units columns; and
    recurrent_bias: (units,).
    """

    gates: ClassVar[int] = 3

    def params(self, x: TensorSpec, *mask: TensorSpec) -> tuple[ParamSpec, ...]:
        second = ParamSpec(name="recurrent_bias", shape=(self.units,), axes="O", init=self.bias_init)
        return (*super().params(x, *mask), second)

    def step(self, context: Context, entering: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        ops, (output,) = context.ops, state
        x_r, x_z, x_n = self.cut(entering)
        h_r, h_z, h_n = self.cut(ops.matmul(output, context.params["recurrent_weight"]))
        reset, update = ops.sigmoid(x_r + h_r), ops.sigmoid(x_z + h_z)
        new = ops.tanh(x_n + reset * (h_n + context.params["recurrent_bias"]))
        return ((1.0 - update) * new + update * output,)
