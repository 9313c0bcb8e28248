"""Attached modules: a `tf.Module` or a Keras layer as a block."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from akid_core.backends.contract import Built
from akid_core.errors import ConfigurationError, SpecError
from akid_core.graph.attach import Attach
from akid_core.random import derive_key
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf
from akid_tf.variables import is_keras, named_variables

_ROWS = 2


class Attached(LiveLayer):
    """A module of the user, which reads its own variables.

    Images reach it as TensorFlow lays them, (batch, height, width, channels). What it does to its state (running
    statistics, seeds) is taken back and handed over as an update, so that nothing but a training step changes it.
    """

    def __init__(self, layer: Attach, module: Any, in_specs: Sequence[TensorSpec]) -> None:
        super().__init__(layer)
        self.module, self.own = module, tuple(named_variables(module))
        self.layout = Layout.CHANNELS_LAST if any(spec.axes == "NCHW" for spec in in_specs) else Layout.CANONICAL
        self._tells_training = "training" in inspect.signature(getattr(module, "call", module)).parameters

    def apply(self, inputs: Sequence[tf.Tensor], training: bool) -> Any:
        """Call the module, in the type of its own variables."""
        floating = [own.variable.dtype for own in self.own if own.variable.dtype.is_floating]
        if floating:
            inputs = [tf.cast(x, floating[0]) if x.dtype.is_floating else x for x in inputs]
        return self.module(*inputs, training=training) if self._tells_training else self.module(*inputs)

    def __call__(self, context: Context, *inputs: tf.Tensor) -> tf.Tensor:
        state = [own for own in self.own if not own.trained and context.training]
        before = [tf.identity(own.variable) for own in state]
        output = self.apply(inputs, context.training)
        for own, value in zip(state, before, strict=True):
            context.updates[own.name] = tf.identity(own.variable)  # of no spec: the module alone knows its state
            own.variable.assign(value)
        return tf.cast(output, context.call.out_specs[0].dtype)


def build(layer: Attach, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Make the module, with its variables at once: only it knows how they begin.

    Raises `ConfigurationError` for what is neither a `tf.Module` nor a Keras layer, and `SpecError` where its output is
    not as the block says.
    """
    with _seeded(context):
        module = layer.make()
        if not (is_keras(module) or (isinstance(module, tf.Module) and callable(module))):
            raise ConfigurationError(
                f"Block '{context.call.path}' attaches an object of {type(module).__name__}, and the tensorflow "
                "backend runs a tf.Module with __call__, or a Keras layer."
            )
        attached = Attached(layer, module, in_specs)
        _try(attached, in_specs, context)
        attached.own = tuple(named_variables(module))
    return Built(attached, {})


@contextmanager
def _seeded(context: BuildContext) -> Iterator[None]:
    """Initial values as a function of (seed, owner). Keras draws its seeds from Python's generator, put back after."""
    high, low = derive_key(context.seed, "init", context.call.owner)
    kept = random.getstate()
    random.seed(high << 32 ^ low)
    tf.random.set_seed(high & 0x7FFFFFFF)
    try:
        yield
    finally:
        random.setstate(kept)


def _try(attached: Attached, in_specs: Sequence[TensorSpec], context: BuildContext) -> None:
    """Call the module with zeros, which makes a Keras layer's variables, and compare its output with the spec."""
    kind, wanted = type(attached.module).__name__, context.call.out_specs[0]
    try:
        output = attached.apply([tf.zeros((_ROWS, *_row(spec, attached)), spec.dtype) for spec in in_specs], False)
    except Exception as error:
        raise SpecError(
            f"Block '{context.call.path}' attaches {kind}, which does not take {', '.join(map(str, in_specs))}: {error}"
        ) from error
    given = list(output.shape[1:]) if tf.is_tensor(output) else type(output).__name__
    if given != list(_row(wanted, attached)):
        raise SpecError(
            f"Block '{context.call.path}' attaches {kind}, whose output for each row is {given}, not "
            f"{list(_row(wanted, attached))} as follows from {wanted}: say it in the block, such as out=('N', 10)."
        )


def _row(spec: TensorSpec, attached: Attached) -> tuple[int, ...]:
    """The shape of a row as the module sees it."""
    row = spec.row
    return (*row[1:], row[0]) if attached.layout is Layout.CHANNELS_LAST and len(row) > 1 else row
