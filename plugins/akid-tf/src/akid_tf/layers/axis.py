"""Layers that act along one axis, in whichever layout their input lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from akid_core.backends.contract import Built
from akid_core.layers import Concat, L2Normalize, Maxout, Slice, Softmax, Split
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layout import Layout
from akid_tf.live import BuildContext, ChannelsLastContext, LiveLayer, portable
from akid_tf.runtime import tf

_SMALL = 8
"""The most members of a group that are compared one by one; up to here that was never measured to be slower."""


def lying(axis: int, rank: int, context: Context) -> int:
    """Where an axis of the canonical layout, counted from the front or the end, lies in this call."""
    axis %= rank
    if not isinstance(context, ChannelsLastContext) or axis == 0:
        return axis
    return rank - 1 if axis == 1 else axis - 1


class AlongAxis(LiveLayer):
    """The portable definition of a layer with a setting `axis`; channels last, that of the same layer turned."""

    layout = Layout.EITHER

    def __call__(self, context: Context, *inputs: tf.Tensor) -> Any:
        if not isinstance(context, ChannelsLastContext):
            return self.layer.forward(context, *inputs)
        rank = len(inputs[0].shape)
        axes = (self.layer.axis,) if isinstance(self.layer.axis, int) else self.layer.axis
        turned = tuple(lying(axis, rank, context) for axis in axes)
        layer = replace(self.layer, axis=turned if len(turned) > 1 else turned[0])
        specs = tuple(spec.with_shape(spec.shape[0], *spec.shape[2:], spec.shape[1]) for spec in context.call.in_specs)
        return layer.forward(replace(context, call=replace(context.call, layer=layer, in_specs=specs)), *inputs)


class LiveSoftmax(LiveLayer):
    """`tf.nn.softmax`."""

    layout = Layout.EITHER

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        wide = tf.cast(x, context.wide(x.dtype.name))
        return tf.cast(tf.nn.softmax(wide, lying(self.layer.axis, len(x.shape), context)), x.dtype)


class LiveConcat(LiveLayer):
    """`tf.concat` along the axis as it lies here."""

    layout = Layout.EITHER

    def __call__(self, context: Context, *inputs: tf.Tensor) -> tf.Tensor:
        return tf.concat(inputs, lying(self.layer.axis, len(inputs[0].shape), context))


class LiveSplit(LiveLayer):
    """`tf.split`, whose gradient is one operation."""

    layout = Layout.EITHER

    def __call__(self, context: Context, x: tf.Tensor) -> Sequence[tf.Tensor]:
        sizes = self.layer.sizes(context.call.in_specs[0])
        parts: Sequence[tf.Tensor] = tf.split(x, sizes, lying(self.layer.axis, len(x.shape), context))
        return parts


class LiveMaxout(LiveLayer):
    """The members of a group compared one after the other, canonical: the first of equal ones stays."""

    def __call__(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        values, axis = self.layer.grouped(context, x)
        return reduce(tf.maximum, tf.unstack(values, axis=axis))


def build(layer: L2Normalize | Slice, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A layer without parameters whose meaning depends on `axis` alone."""
    return Built(AlongAxis(layer), {})


def build_maxout(layer: Maxout, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Maxout, native for groups that are small."""
    return Built(LiveMaxout(layer), {}) if layer.group_size <= _SMALL else portable(layer, in_specs, context)


def build_softmax(layer: Softmax, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Softmax, native."""
    return Built(LiveSoftmax(layer), {})


def build_concat(layer: Concat, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Joining, along the axis as it lies."""
    return Built(LiveConcat(layer), {})


def build_split(layer: Split, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """Cutting, along the axis as it lies."""
    return Built(LiveSplit(layer), {})
