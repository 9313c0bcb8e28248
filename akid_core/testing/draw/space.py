"""Convolution, pooling and what else changes the size of images and sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.testing.draw.chance import Chance, trial
from akid_core.testing.referee import Trial

AXES = {1: "NCL", 2: "NCHW"}


def convolution(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    cls: Any = chance.turn(L.Conv2d, L.Conv2d, L.Conv1d, L.ConvTranspose2d)
    dims = cls.space
    groups = chance.one_of(1, 1, 1, 2, 3)
    entering, channels = groups * chance.size(1, 3), groups * chance.size(1, 3)
    kernel, stride = chance.sizes(1, 4, dims), chance.sizes(1, 3, dims)
    dilation = chance.sizes(1, 2, dims) if chance.one_of(True, False) else (1,) * dims
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    space = tuple(chance.size(size, size + 5) for size in reach)
    transposed = cls is L.ConvTranspose2d
    layer = cls(
        channels=channels,
        kernel=_each(kernel),
        stride=_each(stride),
        dilation=_each(dilation),
        padding=_padding(chance, [(size - 1) // 2 for size in reach] if transposed else [2] * dims),
        groups=groups,
        bias=chance.one_of(True, True, False),
    )
    return _over(chance, layer, entering, space if not transposed else tuple(size // 2 + 2 for size in space))


def pooling(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    cls: Any = chance.turn(
        L.MaxPool2d,
        L.AvgPool2d,
        L.MaxPool1d,
        L.AvgPool1d,
        L.GlobalAvgPool2d,
        L.GlobalMaxPool2d,
        L.GlobalAvgPool1d,
        L.GlobalMaxPool1d,
    )
    kernel = chance.sizes(1, 4, cls.space)
    space = tuple(chance.size(size, size + 6) for size in kernel)
    if cls.__name__.startswith("Global"):
        return _over(chance, cls(), chance.size(1, 4), space)
    stride = chance.one_of(None, _each(chance.sizes(1, 3, cls.space)))
    layer = cls(kernel=_each(kernel), stride=stride, padding=_padding(chance, [size - 1 for size in kernel]))
    return _over(chance, layer, chance.size(1, 4), space)


def resizing(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    dims = chance.one_of(1, 2)
    space, channels = chance.sizes(1, 6, dims), chance.size(1, 5)
    kind = chance.turn("nearest", "bilinear", "pad", "pad_channels", "lrn")
    layer: Layer
    if kind == "pad":
        widths: Any = tuple(chance.sizes(0, 3, 2) for _ in range(dims))
        layer = L.Pad(widths=widths if dims == 2 else widths[0], value=chance.number_from(-2, 2))
    elif kind == "pad_channels":
        layer = L.PadChannels(before=chance.size(0, 2), after=chance.size(0, 2), value=chance.number_from(-2, 2))
    elif kind == "lrn":
        layer = L.LRN(
            depth_radius=chance.size(1, 4),
            bias=chance.number_from(0.5, 2),
            alpha=chance.number_from(0.001, 1),
            beta=chance.number_from(0.3, 1),
        )
    else:
        method: Any = kind
        layer = L.Upsample(factor=_each(chance.sizes(1, 3, dims)), method=method)
    return _over(chance, layer, channels, space)


def _over(chance: Chance, layer: Layer, channels: int, space: tuple[int, ...]) -> Trial:
    return trial(layer, chance.values(chance.rows(), channels, *space), axes=AXES[len(space)])


def _each(sizes: tuple[int, ...]) -> Any:
    return sizes if len(sizes) > 1 else sizes[0]


def _padding(chance: Chance, most: list[int]) -> Any:
    """By name, or numbers on each side up to `most` along each axis of space."""
    kind = chance.one_of("same", "valid", "numbers")
    if kind != "numbers":
        return kind
    sides = tuple((chance.size(0, size), chance.size(0, size)) for size in most)
    return sides if len(sides) > 1 else sides[0]
