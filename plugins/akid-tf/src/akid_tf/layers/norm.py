"""Batch normalisation, channels last."""

from __future__ import annotations

from akid_core.backends.contract import Built, Place
from akid_core.layers import BatchNorm
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, LiveLayer, portable
from akid_tf.runtime import tf


class FusedBatchNorm(LiveLayer):
    """TensorFlow's fused kernel for float32; the variance that it returns for running is unbiased."""

    layout = Layout.CHANNELS_LAST

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        layer, params = self.layer, context.params
        mean, variance = params["mean"], params["variance"]
        # The raw operation, since `tf.nn.fused_batch_norm` silently raises epsilon to 1.001e-5.
        image = x if len(x.shape) == 4 else tf.reshape(x, (-1, 1, 1, x.shape[-1]))
        normed = tf.raw_ops.FusedBatchNormV3(
            x=image,
            scale=params["scale"] if layer.scale else tf.ones_like(mean),
            offset=params["shift"] if layer.shift else tf.zeros_like(mean),
            mean=tf.constant([], x.dtype) if context.training else mean,
            variance=tf.constant([], x.dtype) if context.training else variance,
            epsilon=layer.epsilon,
            is_training=context.training,
        )
        if context.training:
            batch = {"mean": normed.batch_mean, "variance": normed.batch_variance}
            some = tf.shape(x)[0] > 0  # the statistics of no rows are no numbers
            for name, value in batch.items():
                moved = params[name] * layer.decay + value * (1.0 - layer.decay)
                context.update(name, tf.where(some, moved, params[name]))
        return normed.y if image is x else tf.reshape(normed.y, tf.shape(x))


def build(layer: BatchNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The fused kernel where it can serve, else the portable definition."""
    (x,) = in_specs
    types = {x.dtype, context.precision.reductions, *(spec.dtype for spec in context.call.params)}
    if types != {"float32"}:
        return portable(layer, in_specs, context)
    return Built(FusedBatchNorm(layer), {spec.name: Place(spec.name) for spec in context.call.params})
