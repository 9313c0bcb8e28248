"""ColorizationReLU."""

from __future__ import annotations

from dataclasses import dataclass

from akid_core.ops import Array
from akid_core.specs import Layer, TensorSpec
from akid_core.specs.context import Context


@dataclass(frozen=True, kw_only=True)
class ColorizationReLU(Layer):
    """The rectified features once for each colour, multiplied by how much of that colour there is.

    `wipe_negative`: a colour below 0 counts as 0.

    features: (batch, channels, ...). colours: (batch, count) -> (batch, count * channels, ...), the first colour first.
    """

    wipe_negative: bool = False

    def outputs(self, features: TensorSpec, colours: TensorSpec) -> TensorSpec:
        if features.rank < 2 or not features.floating or colours.dtype != features.dtype or colours.rank != 2:
            raise ValueError(
                "takes features (batch, channels, ...) and colours (batch, count) of one floating type, "
                f"got {features} and {colours}"
            )
        channels, *space = features.row
        return features.with_shape(features.shape[0], colours.row[0] * channels, *space, axes=features.axes)

    def forward(self, context: Context, features: Array, colours: Array) -> Array:
        ops, (spec, colour_spec) = context.ops, context.call.in_specs
        if self.wipe_negative:
            colours = ops.maximum(ops.zeros_like(colours), colours)
        rectified = ops.maximum(ops.zeros_like(features), features)
        each = ops.reshape(colours, (-1, colour_spec.row[0], *(1,) * (spec.rank - 1)))
        painted = each * ops.reshape(rectified, (-1, 1, *spec.row))
        return ops.reshape(painted, (-1, *context.call.out_specs[0].row))
