"""Padding: even widths go into torch's own kernels, uneven ones come before them."""

from __future__ import annotations

from torch import nn

from akid_core.layers.padding import Widths


def symmetric(widths: Widths, most: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """(vertical, horizontal) where both sides of each direction get the same, at most `most`; else None."""
    (top, bottom), (left, right) = widths
    if top != bottom or left != right or (most is not None and (top > most[0] or left > most[1])):
        return None
    return top, left


def with_padding(widths: Widths, value: float, module: nn.Module) -> nn.Sequential:
    """Pad an image, then call the module (which stands under "1")."""
    (top, bottom), (left, right) = widths
    return nn.Sequential(nn.ConstantPad2d((left, right, top, bottom), value), module)
