"""Native convolution."""

from __future__ import annotations

from torch import nn

from akid_core.backends.contract import Built, Place
from akid_core.layers.conv import Conv2d
from akid_core.specs.tensor import TensorSpec
from akid_torch.context import BuildContext
from akid_torch.layers.padding import symmetric, with_padding


def build(layer: Conv2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """`nn.Conv2d` with the core's own widths of padding: torch knows no uneven ones, and no strided "same"."""
    windows = layer.windows(in_specs[0])
    even = symmetric(windows.widths)
    module = nn.Conv2d(
        in_specs[0].row[0],
        layer.channels,
        windows.kernel,
        stride=windows.stride,
        padding=even or 0,
        dilation=windows.dilation,
        groups=layer.groups,
        bias=layer.bias,
        dtype=context.dtype,
    )
    prefix = "" if even else "1."
    places = {"weight": Place(f"{prefix}weight", "OIHW"), "bias": Place(f"{prefix}bias", "O")}
    return Built(
        module if even else with_padding(windows.widths, 0.0, module),
        {spec.name: places[spec.name] for spec in context.call.params},
    )
