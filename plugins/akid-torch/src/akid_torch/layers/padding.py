"""Padding: even widths go into torch's own kernels, uneven ones come before them."""

from __future__ import annotations

from torch import nn

from akid_core.layers.padding import Widths

_PADS = {1: nn.ConstantPad1d, 2: nn.ConstantPad2d}


def symmetric(widths: Widths, most: tuple[int, ...] | None = None) -> tuple[int, ...] | None:
    """A width for each axis of space where its two sides get the same, at most `most`; else None."""
    if any(before != after for before, after in widths):
        return None
    even = tuple(before for before, _ in widths)
    return None if most is not None and any(map(int.__gt__, even, most)) else even


def with_padding(widths: Widths, value: float, module: nn.Module) -> nn.Sequential:
    """Pad an image or a sequence, then call the module (which stands under "1")."""
    flat = tuple(width for sides in reversed(widths) for width in sides)
    return nn.Sequential(_PADS[len(widths)](flat, value), module)
