"""Normalisation inside each row, in whichever layout it lies."""

from __future__ import annotations

from collections.abc import Callable

from akid_core.backends.contract import Built, Place
from akid_core.layers import GroupNorm, LayerNorm, RMSNorm
from akid_core.layers.checks import check_axes
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layers.axis import lying
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, ChannelsLastContext, LiveLayer
from akid_tf.runtime import tf

Mean = Callable[[tf.Tensor], tf.Tensor]
"""The mean of a tensor over some of its places, so that it broadcasts with it again."""


class RowNorm(LiveLayer):
    """A norm, then scale and shift as far as there are any; statistics in the wide type."""

    layout = Layout.EITHER

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        wide = context.wide(x.dtype.name)
        normed = self.normed(context, tf.cast(x, wide))
        rank, axes = len(x.shape), self.axes(context.call.in_specs[0])
        order = [lying(axis, rank, context) for axis in axes]
        for name, join in (("scale", tf.multiply), ("shift", tf.add)):
            if name in context.params:
                value = tf.cast(context.params[name], wide)
                if order != sorted(order):
                    value = tf.transpose(value, sorted(range(len(order)), key=order.__getitem__))
                along = [x.shape[axis] if axis in order else 1 for axis in range(rank)]
                normed = join(normed, tf.reshape(value, along))
        return tf.cast(normed, x.dtype)

    def axes(self, x: TensorSpec) -> tuple[int, ...]:
        """The axes of the canonical layout that scale and shift lie along."""
        return check_axes(x, self.layer.axis)

    def normed(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        """The values before scale and shift."""
        raise NotImplementedError


class LiveLayerNorm(RowNorm):
    """Mean and variance along axes."""

    def normed(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return standardised(x, self.mean(context, x), self.layer.epsilon)

    def mean(self, context: Context, x: tf.Tensor) -> Mean:
        """What takes the mean along the axes, as they lie."""
        along = [lying(axis, len(x.shape), context) for axis in self.axes(context.call.in_specs[0])]
        return lambda values: tf.reduce_mean(values, along, keepdims=True)


class LiveRMSNorm(LiveLayerNorm):
    """The mean square along axes."""

    def normed(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        return standardised(x, self.mean(context, x), self.layer.epsilon, centre=False)


class LiveGroupNorm(RowNorm):
    """Mean and variance of each group and all of space."""

    def axes(self, x: TensorSpec) -> tuple[int, ...]:
        return (1,)

    def normed(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        groups, epsilon = self.layer.groups, self.layer.epsilon
        if isinstance(context, ChannelsLastContext):
            return standardised(x, lambda values: _group_means(values, groups), epsilon)
        grouped = context.ops.reshape(x, self.layer.grouped(context.call.in_specs[0], x))
        along = list(range(2, len(grouped.shape)))
        normed = standardised(grouped, lambda values: tf.reduce_mean(values, along, keepdims=True), epsilon)
        return context.ops.reshape(normed, x.shape)


def _group_means(values: tf.Tensor, groups: int) -> tf.Tensor:
    """The mean of its group for each channel, channels last: over space first, which is what kernels are quick at."""
    rank, channels = len(values.shape), values.shape[-1]
    by_group = tf.reshape(tf.reduce_mean(values, list(range(1, rank - 1))), (-1, groups, channels // groups))
    means = tf.repeat(tf.reduce_mean(by_group, 2, keepdims=True), channels // groups, axis=2)
    return tf.reshape(means, (-1, *(1,) * (rank - 2), channels))


def standardised(x: tf.Tensor, mean: Mean, epsilon: float, *, centre: bool = True) -> tf.Tensor:
    """(x - mean) / sqrt(variance + epsilon); without `centre` the mean counts as 0.

    The gradient of z = (x - mean) * factor is factor * (dz - mean(dz) - z * mean(dz * z)): a third of the operations
    that differentiating each step would take.
    """

    @tf.custom_gradient
    def run(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        centred = x - mean(x) if centre else x
        factor = tf.math.rsqrt(mean(tf.square(centred)) + epsilon)
        normed = centred * factor

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            across = upstream - normed * mean(upstream * normed)
            return factor * (across - mean(upstream) if centre else across)

        return normed, gradient

    return run(x)


def build_layer_norm(layer: LayerNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Layer normalisation, native."""
    return _built(LiveLayerNorm(layer), context)


def build_rms_norm(layer: RMSNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Root-mean-square normalisation, native."""
    return _built(LiveRMSNorm(layer), context)


def build_group_norm(layer: GroupNorm, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Group normalisation, native."""
    return _built(LiveGroupNorm(layer), context)


def _built(module: RowNorm, context: BuildContext) -> Built:
    return Built(module, {spec.name: Place(spec.name, spec.axes) for spec in context.call.params})
