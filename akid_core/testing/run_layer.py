"""Run one layer by its portable definition in NumPy, with gradients: where a test of a layer starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from akid_core.bundled.numpy.ops import NumpyOps
from akid_core.bundled.numpy.tape import Tape, Tensor
from akid_core.graph.resolved import Call, Value
from akid_core.random import derive_key
from akid_core.specs.context import Context
from akid_core.specs.layer import Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class LayerRun:
    """What one call of a layer gave.

    `input_gradients`, `param_gradients`: of the sum of outputs times cotangents; None for integer inputs. `updates`:
    new values of state parameters.
    """

    outputs: tuple[np.ndarray, ...]
    input_gradients: tuple[np.ndarray | None, ...]
    param_gradients: Values
    updates: Values

    @property
    def output(self) -> np.ndarray:
        """The only output."""
        (output,) = self.outputs
        return output

    @property
    def input_gradient(self) -> np.ndarray:
        """The gradient of the first input."""
        gradient = self.input_gradients[0]
        assert gradient is not None
        return gradient


def specs_of(inputs: Sequence[np.ndarray]) -> tuple[TensorSpec, ...]:
    """The specs of arrays whose first axis is the batch."""
    return tuple(TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for value in inputs)


def initial_params(layer: Layer, *inputs: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """The parameters that the layer would start with for such inputs, in the type of the first floating one."""
    specs = specs_of(inputs)
    return {
        spec.name: spec.init.values(spec, derive_key(seed, "init", spec.name)).astype(_dtype(spec, specs))
        for spec in layer.params(*specs)
    }


def run_layer(
    layer: Layer,
    *inputs: np.ndarray,
    params: Values | None = None,
    training: bool = False,
    cotangents: Sequence[np.ndarray] | None = None,
    extra: Sequence[np.ndarray] = (),
    step: int = 0,
    first_row: int = 0,
    key: tuple[int, int] = (1, 2),
) -> LayerRun:
    """Call the layer once.

    `inputs`: (batch, ...) each. `params`: by name, in canonical layout; those left out have their initial values.
    `cotangents`: one array for each output, ones where left out. `extra`: arrays handed to `forward` after the inputs,
    such as a metric's sample weights. `first_row`: the number of the first row in the global batch.
    """
    tape, ops, specs = Tape(), NumpyOps(), specs_of(inputs)
    call = _call(layer, specs)
    given = initial_params(layer, *inputs) | dict(params or {})
    tensors = {spec.name: _watch(tape, given[spec.name], spec.trained) for spec in call.params}
    values = [_watch(tape, value, np.issubdtype(value.dtype, np.floating)) for value in inputs]
    context = Context(
        call=call,
        ops=ops,
        params=tensors,
        training=training,
        step=Tensor(np.array([step], np.int32)),
        rows=Tensor(np.arange(first_row, first_row + len(inputs[0]), dtype=np.int32)),
        key=key,
    )
    result = layer.forward(context, *values, *map(Tensor, extra))
    outputs = result if isinstance(result, tuple) else (result,)

    factors = [np.ones_like(out.data) for out in outputs] if cotangents is None else cotangents
    target = Tensor(np.zeros((), np.float64))
    for out, factor in zip(outputs, factors, strict=True):
        if np.issubdtype(out.dtype, np.floating):
            target = ops.astype(ops.sum(out * Tensor(np.asarray(factor, out.dtype))), "float64") + target
    watched = [tensor for tensor in (*values, *tensors.values()) if tensor.tape is not None]
    gradients = dict(zip(map(id, watched), tape.gradients(target, watched), strict=True))
    return LayerRun(
        outputs=tuple(out.data for out in outputs),
        input_gradients=tuple(gradients.get(id(value)) for value in values),
        param_gradients={name: gradients[id(value)] for name, value in tensors.items() if id(value) in gradients},
        updates={name: value.data for name, value in context.updates.items()},
    )


def _call(layer: Layer, specs: tuple[TensorSpec, ...]) -> Call:
    outputs = layer.outputs(*specs)
    promised = outputs if isinstance(outputs, tuple) else (outputs,)
    return Call(
        path="layer",
        layer=layer,
        inputs=tuple(Value(f"input_{number}") for number in range(len(specs))),
        in_specs=specs,
        out_specs=tuple(spec.settled(_compute(specs)) for spec in promised),
        params=layer.params(*specs),
        owner="layer",
    )


def _watch(tape: Tape, value: np.ndarray, wanted: bool) -> Tensor:
    return tape.watch(value) if wanted else Tensor(value)


def _dtype(spec: ParamSpec, inputs: tuple[TensorSpec, ...]) -> str:
    return _compute(inputs) if spec.dtype == "float" else spec.dtype


def _compute(inputs: tuple[TensorSpec, ...]) -> str:
    """The type of computation: that of the first floating input."""
    return next((spec.dtype for spec in inputs if spec.floating), "float64")
