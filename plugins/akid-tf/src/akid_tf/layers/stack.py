"""Values cut apart along an axis and put together: one operation for all positions, forward and backward."""

from __future__ import annotations

from akid_core.backends.contract import Built
from akid_core.layers import Stack, Unstack
from akid_core.layers.checks import check_axis
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf


class LiveUnstack(LiveLayer):
    """`tf.unstack`; the gradient of as many slices would be a whole array for each."""

    def __init__(self, layer: Unstack, x: TensorSpec) -> None:
        super().__init__(layer)
        self.axis = check_axis(x, layer.axis)

    def __call__(self, context: Context, x: tf.Tensor) -> list[tf.Tensor]:
        outputs: list[tf.Tensor] = tf.unstack(x, len(context.call.out_specs), self.axis)
        return outputs


class LiveStack(LiveLayer):
    """`tf.stack`."""

    def __call__(self, context: Context, *inputs: tf.Tensor) -> tf.Tensor:
        return tf.stack(inputs, self.layer.axis)


def build_unstack(layer: Unstack, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Each position an output, native."""
    return Built(LiveUnstack(layer, *in_specs), {})


def build_stack(layer: Stack, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Values side by side, native."""
    return Built(LiveStack(layer), {})
