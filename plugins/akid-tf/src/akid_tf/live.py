"""LiveLayer: one layer as a `tf.Module`; its portable form serves every layer that has no native one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from akid_core.backends.contract import Built, Place
from akid_core.graph.resolved import Call
from akid_core.specs.context import Context
from akid_core.specs.layer import Layer
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.runtime import tf
from akid_tf.variables import Named


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """What a builder may want to know beside the layer and its inputs.

    `call`: the application that it is for. `seed`: what randomness starts from. `precision`: of the whole Brain.
    """

    call: Call
    precision: Precision
    seed: int


class LiveLayer(tf.Module):
    """One layer, live; by itself in its portable definition.

    `layout` says how it takes and gives values. Its parameters come as `context.params`, with their axes as the
    builder's `Place`s say; the variables themselves become attributes when the network is placed. `own`: variables
    beside these that it has made itself, to be trained and saved under its path. `uniform`: of a loss, all its weights
    are one, so that nobody need look at them.
    """

    layout: Layout = Layout.CANONICAL
    uniform: bool = False
    own: tuple[Named, ...] = ()

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer  # of whatever class the builder knows

    def __call__(self, context: Context, *inputs: tf.Tensor) -> Any:
        return self.layer.forward(context, *inputs)


class ChannelsLastContext(Context):
    """The context of a call whose values lie channels last: so do its masks, with the bits of each canonical index."""

    def elements(self, row_shape: tuple[int, ...]) -> np.ndarray:
        return np.moveaxis(super().elements(row_shape), 0, -1)


def portable(layer: Layer, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Any layer by its portable definition, in the canonical layout."""
    return Built(LiveLayer(layer), {spec.name: Place(spec.name, spec.axes) for spec in context.call.params})
