"""Promise: what a layer says of its outputs, against what it gives. Every backend holds its calls to it.

Without this a wrong layer trains silently: predictions (batch,) against targets (batch, 1) broadcast to (batch, batch).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akid_core.errors import DataError, SpecError
from akid_core.graph.resolved import Call
from akid_core.specs.layer import Loss, Metric
from akid_core.specs.tensor import TensorSpec

Shape = tuple[int | None, ...]
"""The sizes of a tensor; None for one that is not known yet."""

CAST = "give what is promised, with `context.ops.astype`, or promise what is given"
"""The way out where only a type is another."""


def kept(
    call: Call, inputs: Sequence[Any], outputs: Any, tensors: type | tuple[type, ...], *, channels_last: bool = False
) -> tuple[Any, ...]:
    """The outputs of a call as a tuple: as many as `call.out_specs`, each of the promised type, rank, sizes and batch.

    `inputs`: what the call took. `tensors`: the backend's classes of tensors. `channels_last`: how the outputs lie.
    Losses and metrics may be of another type than they promise, since their sums are as wide as the Brain's reductions;
    a metric that leaves `Metric.outputs` as it is promises a number of parts alone. Raises `SpecError`: the block, what
    it promises, and what it gave; or `DataError` where the fault is in what it took.
    """
    given = tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
    strange = next((output for output in given if not isinstance(output, tensors)), given)
    if strange is not given:
        raise SpecError(f"{_promise(call)}, and gave {_kind(strange)}: make it of the inputs, with `context.ops`.")
    shapes = [_shape(output, channels_last) for output in given]
    free = type(call.layer).outputs is Metric.outputs
    fit = len(given) == len(call.out_specs) and (free or _fit(shapes, call.out_specs))
    symbol, sizes = _batch(call, inputs)
    pairs = zip(shapes, call.out_specs, strict=False)
    batches = {size for shape, spec in pairs if spec.shape[:1] == (symbol,) for size in shape[:1]}
    followed = fit and (not sizes or batches <= {*sizes, None})
    typed = isinstance(call.layer, Loss | Metric) or _types(given) == [spec.dtype for spec in call.out_specs]
    if followed and typed:
        return given

    inputs = inputs[: len(call.in_specs)]
    taken = [_shape(value, channels_last) for value in inputs]
    if not _fit(taken, call.in_specs) or _types(inputs) != [spec.dtype for spec in call.in_specs]:
        raise DataError(
            f"{_block(call)} takes {_listed(call.in_specs)}, and was given {_several(inputs, taken)}: the fields are "
            "not as their specs say."
        )
    where = f" where {symbol} is {', '.join(map(_size, sizes))}" if fit and sizes and not followed else ""
    raise SpecError(
        f"{_promise(call)}, and gave {_several(given, shapes)}{where}: {CAST if followed else _way_out(call)}."
    )


def _fit(shapes: Sequence[Shape], specs: Sequence[TensorSpec]) -> bool:
    """Whether there are as many, and all have the rank and the sizes of their specs; a symbol takes any size."""
    if [len(shape) for shape in shapes] != [spec.rank for spec in specs]:
        return False
    sizes = (each for shape, spec in zip(shapes, specs, strict=True) for each in zip(shape, spec.shape, strict=True))
    return all(isinstance(wanted, str) or size in (None, wanted) for size, wanted in sizes)


def _batch(call: Call, inputs: Sequence[Any]) -> tuple[str, set[int | None]]:
    """The symbol of the batch, and the sizes that the inputs have there: none where no input has a batch.

    Where it is not known of any input, an output of which it is known does not follow it.
    """
    symbol = next((spec.shape[0] for spec in call.in_specs if spec.shape and isinstance(spec.shape[0], str)), "")
    pairs = zip(inputs, call.in_specs, strict=False)  # a metric takes the sample weights besides
    return str(symbol), {size for value, spec in pairs if spec.shape[:1] == (symbol,) for size in value.shape[:1]}


def _types(tensors: Sequence[Any]) -> list[str]:
    """As specs name them."""
    return [getattr(tensor.dtype, "name", None) or str(tensor.dtype).rpartition(".")[2] for tensor in tensors]


def _shape(tensor: Any, channels_last: bool) -> Shape:
    """In the canonical order."""
    shape = tuple(tensor.shape)
    return (shape[0], shape[-1], *shape[1:-1]) if channels_last and len(shape) > 2 else shape


def _block(call: Call) -> str:
    return f"Block '{call.path}' ({type(call.layer).__name__})"


def _promise(call: Call) -> str:
    return f"{_block(call)} promises {_listed(call.out_specs)}"


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(map(str, specs)) or "nothing"


def _kind(output: Any) -> str:
    name = f"{type(output).__module__}.{type(output).__qualname__}"
    return "None" if output is None else f"a {name.removeprefix('builtins.')}"


def _several(tensors: Sequence[Any], shapes: Sequence[Shape]) -> str:
    """Tensors as their specs are written, whatever the framework calls its types."""
    pairs = zip(_types(tensors), shapes, strict=True)
    texts = [f"{dtype}[{', '.join(map(_size, shape))}]" for dtype, shape in pairs]
    return ", ".join(texts) or "nothing"


def _size(size: int | None) -> str:
    return "?" if size is None else str(size)


def _way_out(call: Call) -> str:
    if isinstance(call.layer, Loss):
        return "a loss gives a value and a weight for each row"
    if isinstance(call.layer, Metric):
        return "a metric gives its `parts`"
    return "make `outputs` and `forward` agree"
