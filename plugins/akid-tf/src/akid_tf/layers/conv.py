"""Convolution, channels last; weights lie HWIO, those of sequences LIO."""

from __future__ import annotations

from functools import cache

from akid_core.backends.contract import Built, Place
from akid_core.layers.checks import SPACE
from akid_core.layers.conv import Convolution
from akid_core.layers.conv_transpose import ConvTranspose2d
from akid_core.specs.context import Context
from akid_core.specs.tensor import TensorSpec
from akid_tf.layers.windowed import Windowed
from akid_tf.live import BuildContext, portable
from akid_tf.runtime import tf


class LiveConv(Windowed):
    """`tf.nn.conv2d`, which tells groups by the shapes.

    Where the kernels lack gradients of groups and dilation, a convolution in groups is as many small ones, or
    `tf.nn.depthwise_conv2d` if it is that, and a dilated one gathers the values that it sees side by side first.
    """

    def __init__(self, layer: Convolution, x: TensorSpec) -> None:
        super().__init__(layer, x)
        self.dilated = max(self.dilation) > 1
        if self.dilated:
            self.padding = "VALID"  # zeros are put around: "SAME" means another padding where strides come later
        self.single = tuple(out == 1 < step for out, step in zip(self.out, self.stride, strict=True))
        if any(self.single):
            self.padding = "VALID"
            self.stride = tuple(1 if one else step for one, step in zip(self.single, self.stride, strict=True))
        self.plain = layer.groups == 1 and not self.dilated
        self.depthwise = layer.groups == x.row[0] and not self.dilated and len(set(self.stride[-layer.space :])) == 1
        self.complete = self.plain or knows_gradients(x.dtype)

    def over(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        weight, x = context.params["weight"], self._seen(self.surrounded(x))
        weight = weight[None] if self.flat else weight
        # Outside of graphs there are fewer kernels with gradients.
        direct = self.plain or (self.complete and not tf.executing_eagerly())
        out = self._at_once(x, weight) if direct else self._in_groups(x, weight)
        return tf.nn.bias_add(out, context.params["bias"]) if self.layer.bias else out

    def _seen(self, x: tf.Tensor) -> tf.Tensor:
        """The image without what no window sees along an axis that has one window, where no step is taken then.

        Kernels for one channel that take a step there read other values than those of the window.
        """
        if not any(self.single):
            return x
        reach = ((size - 1) * gap + 1 for size, gap in zip(self.kernel, self.dilation, strict=True))
        rows, columns = (slice(size if one else None) for size, one in zip(reach, self.single, strict=True))
        return x[:, rows, columns]

    def _at_once(self, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """x: padding included. weight: (tall, wide, in / groups, channels)."""
        return tf.nn.conv2d(x, weight, self.stride, self.padding, dilations=self.dilation)

    def _in_groups(self, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        groups, step = self.layer.groups, self.stride[-1]
        if self.depthwise:
            filters = tf.reshape(weight, (*self.kernel, groups, self.layer.channels // groups))
            return tf.nn.depthwise_conv2d(x, filters, (1, step, step, 1), self.padding)
        parts = zip(tf.split(x, groups, axis=3), tf.split(weight, groups, axis=3), strict=True)
        each = self._gathered if self.dilated else self._at_once
        return tf.concat([each(*part) for part in parts], axis=3)

    def _gathered(self, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        down, right = self.stride
        return tf.nn.convolution(x, weight, padding="VALID", dilations=self.dilation)[:, ::down, ::right]


class LiveConvTranspose2d(Windowed):
    """`tf.nn.conv2d_transpose`; what numbers as padding take away is cut off after it. Groups are many small ones."""

    def over(self, context: Context, x: tf.Tensor) -> tf.Tensor:
        layer, weight = self.layer, context.params["weight"]
        if layer.groups == 1:
            out = self._spread(x, weight)
        else:
            parts = zip(tf.split(x, layer.groups, axis=3), tf.split(weight, layer.groups, axis=2), strict=True)
            out = tf.concat([self._spread(*part) for part in parts], axis=3)
        return tf.nn.bias_add(out, context.params["bias"]) if layer.bias else out

    def _spread(self, x: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """weight: (tall, wide, channels, in)."""
        (height, width), around = self.windows.size, self.windows.widths
        if self.padding == "SAME":
            around = ((0, 0), (0, 0))
        (top, bottom), (left, right) = around
        shape = (tf.shape(x)[0], height + top + bottom, width + left + right, weight.shape[2])
        out = tf.nn.conv2d_transpose(x, weight, shape, self.stride, self.padding)
        return out[:, top : top + height, left : left + width] if any(map(any, around)) else out


def build(layer: Convolution, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A convolution, native."""
    return _placed(LiveConv(layer, *in_specs), SPACE[layer.space] + "IO", context)


def build_transpose(layer: ConvTranspose2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """A transposed convolution, native; portable where kernels lack its gradient or have a wrong one.

    Few have that of a dilated one; and that for one channel, along an axis where x has one place, reads other values
    than it should (see `LiveConv`, whose kernels it shares).
    """
    windows = layer.windows(in_specs[0])
    single = any(places == 1 < step for places, step in zip(windows.out, windows.stride, strict=True))
    if layer.dilation not in (1, (1, 1)) or (single and layer.channels == layer.groups):
        return portable(layer, in_specs, context)
    return _placed(LiveConvTranspose2d(layer, *in_specs), "HWOI", context)


@cache
def knows_gradients(dtype: str) -> bool:
    """Whether the kernels have gradients of dilated convolutions and of those in groups, inside graphs.

    Those for the CPU have them for some types, as they were built and as `TF_ENABLE_ONEDNN_OPTS` says; so a small one
    is tried.
    """

    @tf.function(autograph=False)
    def gradients(x: tf.Tensor, weight: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch((x, weight))
            out = tf.nn.conv2d(x, weight, 2, "VALID", dilations=2)
        return tape.gradient(out, (x, weight))

    try:
        with tf.device("/CPU:0"):
            gradients(tf.zeros((1, 5, 5, 2), dtype), tf.zeros((2, 2, 1, 2), dtype))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True


def _placed(module: Windowed, axes: str, context: BuildContext) -> Built:
    lying = {"weight": axes}
    return Built(module, {spec.name: Place(spec.name, lying.get(spec.name, "")) for spec in context.call.params})
