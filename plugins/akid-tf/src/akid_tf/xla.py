"""XLA: spans as one compiled program, and when that is declined."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from akid_core.backends.plan import Execution
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Graph
from akid_tf.gradient import Aim, Given, Moment, Whole
from akid_tf.measures import Stacked, Tensors
from akid_tf.network import Fields, TensorflowNetwork
from akid_tf.program import Program
from akid_tf.runtime import host, tf
from akid_tf.span import NUMBER, SpanProgram

_ROWS = 2


class CompiledSpan:
    """The loop of a span, compiled for one size of batch and of span.

    XLA compiles for fixed sizes. The size of a batch is the largest met so far: that of all batches but the last of an
    epoch, which is left to the default program. A span has room for a power of two of steps, at most for a bundle; what
    is left of it is not computed.
    """

    def __init__(self, network: TensorflowNetwork, steps: SpanProgram, bundle: int) -> None:
        self._network, self._steps, self._bundle = network, steps, bundle
        self._rows = 0
        self._programs: dict[tuple[tf.TensorShape, ...], Program] = {}

    def takes(self, rows: int) -> bool:
        """Whether a batch of so many rows is a full one."""
        self._rows = max(rows, self._rows)
        return rows == self._rows > 0

    def __call__(
        self, fields: Mapping[str, np.ndarray], numbers: np.ndarray, first_step: int, first_row: int
    ) -> Stacked:
        """As `DefaultSpan`."""
        steps = len(numbers)
        room = max(steps, min(self._bundle, 1 << (steps - 1).bit_length()))
        tensors = self._network.feed.tensors({name: _roomy(values, room) for name, values in fields.items()})
        counts = map(tf.constant, (steps, first_step, first_row))
        parts = self._program(tensors, room)(tensors, tf.constant(_roomy(numbers, room)), *counts)
        stacked: Stacked = tf.nest.map_structure(lambda part: host(part)[:steps], parts)
        return stacked

    def _program(self, tensors: Fields, room: int) -> Program:
        """What runs tensors of these shapes."""
        shapes = tuple(tensor.shape for tensor in tensors.values())
        if shapes not in self._programs:
            signature = {name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
            numbers = self._steps.numbers(room)
            self._programs[shapes] = self._network.program(
                self._run, signature, numbers, NUMBER, NUMBER, NUMBER, xla=True
            )
        return self._programs[shapes]

    def _run(
        self, fields: Fields, numbers: tf.Tensor, steps: tf.Tensor, first_step: tf.Tensor, first_row: tf.Tensor
    ) -> Tensors:
        return self._steps(fields, numbers, steps, Moment(first_step, first_row))


def _roomy(values: np.ndarray, room: int) -> np.ndarray:
    """Followed by zeros, so that there are `room`."""
    missing = room - len(values)
    return np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)]) if missing else values


def refusal(execution: Execution, graph: Graph, step: str, build: Callable[[], TensorflowNetwork]) -> str:
    """Why a brain is not compiled, as a sentence for the user; empty where it is.

    `build` makes its network, for a trial: nobody but XLA knows what XLA compiles.
    """
    asked = {"step": step, "micro_batches": execution.micro_batches > 1, "recompute": execution.recompute}
    if chosen := next((name for name, value in asked.items() if value), None):
        return f"execution.compile is declined, since XLA does not take execution.{chosen}: leave one of them out."
    if execution.device == "cpu" and any(convolves(spec.axes) for spec in graph.params.values()):
        return (
            "execution.compile is declined, since the brain convolves: on the CPU XLA's convolutions take longer than "
            "TensorFlow's own kernels, which are used."
        )
    specs = [*graph.inputs.values(), *graph.fields.values()]
    if any(isinstance(size, str) for spec in specs for size in spec.shape[1:]):
        return "execution.compile is declined, since XLA compiles for fixed sizes, and the brain's inputs have none."
    return _trial(build(), execution.device)


def convolves(axes: str) -> bool:
    """Whether a parameter with these axes slides over space."""
    return len(axes) > 2 and {"O", "I"} <= set(axes)


def _trial(network: TensorflowNetwork, device: str) -> str:
    """Why XLA does not compile a forward and a backward pass of a few rows; empty where it does."""
    for path, layer in network.module.layers.items():
        if isinstance(layer.layer, Attach) and any(not own.trained for own in layer.own):
            return (
                f"execution.compile is declined, since the module attached as {path!r} has state of its own, which it "
                "changes while it runs."
            )
    network.place(device)
    specs = network.feed.specs
    rows = network.graph.rows or _ROWS
    signature = [tf.TensorSpec((rows, *spec.row), spec.dtype) for spec in specs.values()]

    def both(*tensors: tf.Tensor) -> list[tf.Tensor]:
        fields, moment = (dict(zip(specs, tensors, strict=True)), Moment(tf.constant(0), tf.constant(0)))
        aims = [Aim.whole(network)]
        return Whole(network).first(Given.of(network, fields), moment, aims, learning=True).slopes.params[0]

    function = tf.function(both, input_signature=signature, autograph=False, jit_compile=True)
    try:
        function.experimental_get_compiler_ir(*signature)(stage="hlo")
    except (ValueError, tf.errors.OpError) as error:
        return f"execution.compile is declined, since XLA does not compile the brain: {_reason(str(error))}"
    return ""


def _reason(message: str) -> str:
    """The first sentence of what XLA says."""
    first = message.split("\n")[0].strip().strip("'\"")
    return first if len(first) <= 300 else f"{first[:300]}..."
