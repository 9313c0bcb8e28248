"""Native convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from akid_core.backends.contract import Built, Place
from akid_core.layers.conv import Convolution
from akid_core.layers.conv_transpose import ConvTranspose2d
from akid_core.layers.windows import Windows
from akid_core.specs.tensor import TensorSpec
from akid_torch import portable
from akid_torch.context import BuildContext
from akid_torch.layers.padding import symmetric, with_padding

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}


class Crop(nn.Module):
    """Cut (before, after) rows and columns off an image."""

    def __init__(self, widths: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        self.widths = widths

    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = self.widths
        return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]

    def extra_repr(self) -> str:
        return str(self.widths)


class GroupedConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose weight lies as that of a convolution, (out, in / groups, tall, wide).

    torch wants (in, out / groups, tall, wide), which for several groups is no permutation of it.
    """

    def __init__(self, shape: tuple[int, ...], entering: int, **settings: object) -> None:
        super().__init__(entering, shape[0], shape[2:], **settings)  # type: ignore[arg-type]
        self.weight = nn.Parameter(torch.empty(shape, dtype=self.weight.dtype))

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        weight = self.weight.unflatten(0, (self.groups, -1)).transpose(1, 2).flatten(0, 1)
        settings = self.stride, self.padding, self.output_padding, self.groups, self.dilation
        return functional.conv_transpose2d(x, weight, self.bias, *settings)


def build(layer: Convolution, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """torch's convolution with the core's own widths of padding: torch knows no uneven ones, and no strided "same".

    Along an axis that has one window no step is taken, and what the window does not see is cut off (by a width below
    0): kernels for one channel that take a step there may read other values than those of the window. Portable where
    such a window lies in the padding alone.
    """
    windows = layer.windows(in_specs[0])
    single = _single(windows)
    if any(one and reach < sides[0] for one, reach, sides in zip(single, windows.reach, windows.widths, strict=True)):
        return portable.build(layer, context)
    stride = tuple(1 if one else step for one, step in zip(single, windows.stride, strict=True))
    axes = zip(single, windows.widths, windows.reach, windows.size, strict=True)
    widths = tuple((sides[0], reach - size - sides[0]) if one else sides for one, sides, reach, size in axes)
    even = symmetric(widths)
    # A kernel of one place has nothing to spread; given a dilation all the same, kernels of the CPU may crash.
    dilation = tuple(gap if size > 1 else 1 for gap, size in zip(windows.dilation, windows.kernel, strict=True))
    module = _CONVOLUTIONS[layer.space](
        in_specs[0].row[0],
        layer.channels,
        windows.kernel,
        stride=stride,
        padding=even or 0,
        dilation=dilation,
        groups=layer.groups,
        bias=layer.bias,
        dtype=context.dtype,
    )
    if even:
        return _placed(module, "", context)
    return _placed(with_padding(widths, 0.0, module), "1.", context)


def build_transpose(layer: ConvTranspose2d, in_specs: tuple[TensorSpec, ...], context: BuildContext) -> Built:
    """torch's transposed convolution; what its even `padding` does not cut off is cut off after it.

    Portable for one channel along an axis where x has one place: its gradient is the convolution that `build` avoids.
    """
    windows = layer.windows(in_specs[0])
    if any(_single(windows)) and layer.channels == layer.groups:
        return portable.build(layer, context)
    even = tuple(min(sides) for sides in windows.widths)
    left = tuple((before - less, after - less) for (before, after), less in zip(windows.widths, even, strict=True))
    settings = {
        "stride": windows.stride,
        "padding": even,
        "output_padding": windows.rest,
        "groups": layer.groups,
        "bias": layer.bias,
        "dilation": windows.dilation,
        "dtype": context.dtype,
    }
    entering, weight = in_specs[0].row[0], context.call.params[0]
    if layer.groups == 1:
        module, axes = nn.ConvTranspose2d(entering, layer.channels, windows.kernel, **settings), "IOHW"
    else:
        module, axes = GroupedConvTranspose2d(weight.shape, entering, **settings), weight.axes
    if any(map(any, left)):
        return _placed(nn.Sequential(module, Crop(left)), "0.", context, axes)
    return _placed(module, "", context, axes)


def _single(windows: Windows) -> tuple[bool, ...]:
    """Along which axes a stride is stated although there is one window."""
    return tuple(out == 1 < step for out, step in zip(windows.out, windows.stride, strict=True))


def _placed(module: nn.Module, prefix: str, context: BuildContext, axes: str = "") -> Built:
    """The module, with its parameters under `prefix`; `axes`: of the weight, where they do not lie as promised."""
    lying = {"weight": axes}
    return Built(
        module,
        {spec.name: Place(prefix + spec.name, lying.get(spec.name) or spec.axes) for spec in context.call.params},
    )
