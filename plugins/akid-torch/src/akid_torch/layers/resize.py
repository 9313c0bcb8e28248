"""Native upsampling."""

from __future__ import annotations

from torch import nn

from akid_core.backends.contract import Built
from akid_core.layers.resize import Upsample
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext
from akid_torch.portable import build as portable

_STRAIGHT = {1: "linear", 2: "bilinear", 3: "trilinear"}


def build(layer: Upsample, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """`nn.Upsample`; with more than three axes of space, which torch does not take, the portable definition."""
    factors = layer.factors(in_specs[0])
    if len(factors) not in _STRAIGHT:
        return portable(layer, context)
    scale = tuple(map(float, factors))
    if layer.method == "bilinear":
        return Built(nn.Upsample(scale_factor=scale, mode=_STRAIGHT[len(factors)], align_corners=False), {})
    # torch's "nearest" divides by multiplying in float32, which is exact for powers of two and off by one for some
    # others; "nearest-exact" looks at the centres of values, far from where they change.
    exact = all(factor & (factor - 1) == 0 for factor in factors)
    return Built(nn.Upsample(scale_factor=scale, mode="nearest" if exact else "nearest-exact"), {})
