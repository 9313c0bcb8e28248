"""Recurrent layers: the core's step in a loop of TensorFlow's, which need not know how many steps there are."""

from __future__ import annotations

from akid_core.backends.contract import Built, Place
from akid_core.layers.recurrent import Recurrent
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.live import BuildContext, LiveLayer
from akid_tf.runtime import tf

State = tuple[tf.Tensor, ...]
Kept = tuple[tf.TensorArray, ...]


class LiveRecurrent(LiveLayer):
    """One `tf.while_loop` over the steps; all of them are multiplied by `weight` at once before it."""

    layer: Recurrent

    def __call__(self, context: Context, x: tf.Tensor, *mask: tf.Tensor) -> tf.Tensor:
        layer, params = self.layer, context.params
        count, rows = tf.shape(x)[1], tf.shape(x)[0]
        entering = tf.nn.bias_add(tf.matmul(_by_step(x), params["weight"]), params["bias"])
        entering = tf.TensorArray(x.dtype, count).unstack(entering)
        there = [tf.TensorArray(tf.bool, count).unstack(tf.cast(_by_step(one), tf.bool)) for one in mask]
        start = (tf.zeros((rows, layer.units), x.dtype),) * layer.states
        kept: Kept = ()  # XLA takes no list through a loop that writes nothing into it
        if layer.return_sequences:
            kept = (tf.TensorArray(x.dtype, count, element_shape=(None, layer.units)),)

        def body(number: tf.Tensor, state: State, kept: Kept) -> tuple[tf.Tensor, State, Kept]:
            step = count - 1 - number if layer.reverse else number
            moved = layer.step(context, entering.read(step), state)
            for one in there:
                now = one.read(step)[:, None]
                moved = tuple(_chosen(now, new, old) for new, old in zip(moved, state, strict=True))
            return number + 1, moved, tuple(outputs.write(step, moved[0]) for outputs in kept)

        _, state, kept = tf.while_loop(
            lambda number, *_: number < count, body, (tf.constant(0), start, kept), maximum_iterations=count
        )
        return _by_step(kept[0].stack()) if kept else state[0]


def _by_step(x: tf.Tensor) -> tf.Tensor:
    """(batch, steps, ...) -> (steps, batch, ...), and back."""
    return tf.transpose(x, (1, 0, *range(2, len(x.shape))))


def _chosen(now: tf.Tensor, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
    """Where the step is there the new state, else the old one, of whose shape a loop knows that it stays."""
    chosen = tf.where(now, new, old)
    chosen.set_shape(old.shape)
    return chosen


def build(layer: Recurrent, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    return Built(LiveRecurrent(layer), {spec.name: Place(spec.name) for spec in context.call.params})
