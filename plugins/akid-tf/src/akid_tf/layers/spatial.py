"""Layers over space that are neither windows nor pointwise: padding, upsampling, LRN, dropout of whole channels."""

from __future__ import annotations

import math
from collections.abc import Callable

from akid_core.backends.contract import Built
from akid_core.layers.dropout import SpatialDropout
from akid_core.layers.lrn import LRN
from akid_core.layers.resize import Pad, Upsample
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec, wider
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, ChannelsLastContext, LiveLayer, portable
from akid_tf.runtime import tf


class LivePad(LiveLayer):
    """`tf.pad` of the axes of space as they lie."""

    layout = Layout.EITHER

    def __init__(self, layer: Pad, x: TensorSpec) -> None:
        super().__init__(layer)
        self.widths = layer.around(x)

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        last = isinstance(context, ChannelsLastContext)
        widths = ((0, 0), *self.widths, (0, 0)) if last else ((0, 0), (0, 0), *self.widths)
        return tf.pad(x, widths, constant_values=tf.constant(self.layer.value, x.dtype))


class LiveUpsample(LiveLayer):
    """`tf.image.resize`, whose straight lines come in float32; a sequence is an image of one row."""

    layout = Layout.CHANNELS_LAST

    def __init__(self, layer: Upsample, x: TensorSpec) -> None:
        super().__init__(layer)
        self.flat = x.rank == 3
        one = (1,) if self.flat else ()
        self.size, self.factors = (*one, *layer.outputs(x).row[1:]), (*one, *layer.factors(x))

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        resized = self._repeated if self.layer.method == "nearest" else self._between
        return tf.squeeze(resized(x[:, None]), 1) if self.flat else resized(x)

    def _between(self, x: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.image.resize(x, self.size, "bilinear"), x.dtype)

    def _repeated(self, x: tf.Tensor) -> tf.Tensor:
        """With the sum over what came of each value as its gradient: XLA knows none of this operation."""

        @tf.custom_gradient
        def repeated(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                return tf.nn.avg_pool2d(upstream, self.factors, self.factors, "VALID") * float(math.prod(self.factors))

            return tf.image.resize(x, self.size, "nearest"), gradient

        return repeated(x)


class LiveLRN(LiveLayer):
    """`tf.nn.local_response_normalization`, whose settings are the core's."""

    layout = Layout.CHANNELS_LAST

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        layer = self.layer
        return tf.nn.local_response_normalization(x, layer.depth_radius, layer.bias, layer.alpha, layer.beta)


class LiveSpatialDropout(LiveLayer):
    """A mask for each channel, wherever channels lie."""

    layout = Layout.EITHER

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        rate, (channels, *space) = self.layer.rate, context.call.in_specs[0].row
        if not context.training or rate == 0:
            return x
        alone = [1] * len(space)
        shape = (-1, *alone, channels) if isinstance(context, ChannelsLastContext) else (-1, channels, *alone)
        mask = tf.reshape(context.keep(1.0 - rate, (channels,)), shape)
        return tf.where(mask, x * (1.0 / (1.0 - rate)), tf.zeros([], x.dtype))


def build_pad(layer: Pad, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Padding, in whichever layout."""
    return Built(LivePad(layer, *in_specs), {})


def build_upsample(layer: Upsample, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Upsampling of images and sequences, native; straight lines in float64, and more space, run portably."""
    (x,) = in_specs
    if x.rank > 4 or (layer.method == "bilinear" and x.dtype == "float64"):
        return portable(layer, in_specs, context)
    return Built(LiveUpsample(layer, x), {})


def build_lrn(layer: LRN, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """The kernel for images of float32; all else runs portably."""
    (x,) = in_specs
    if x.rank != 4 or {x.dtype, wider(context.precision.reductions)} != {"float32"}:
        return portable(layer, in_specs, context)
    return Built(LiveLRN(layer), {})


def build_spatial_dropout(layer: SpatialDropout, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Dropout of whole channels, in whichever layout."""
    return Built(LiveSpatialDropout(layer), {})
