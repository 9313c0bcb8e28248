"""Blocks: layers that are often met together, as Systems.

In a template, the macros of `akid/blocks.yaml.j2` have the same names and arguments. Settings that a function does not
have are those of its convolutions, or of its dense layer: `bias`, `weight_init` and so on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from akid_core.graph.node import Node
from akid_core.graph.system import System
from akid_core.layers import Add, AvgPool2d, BatchNorm, Conv2d, Dense, Dropout, MaxPool2d, PadChannels, ReLU
from akid_core.specs import Layer

Shortcut = Literal["projection", "padding"]
"""How what comes in gets another shape: by a convolution of single places, or without parameters."""

_RELU, _BATCH_NORM = ReLU(), BatchNorm()


def cnn_block(
    name: str,
    channels: int,
    kernel: int | tuple[int, int] = 3,
    padding: Any = "same",
    norm: Layer | None = None,
    activation: Layer | None = _RELU,
    pool: int | tuple[int, int] | Layer | None = None,
    activation_before_pool: bool = False,
    dropout: float = 0.0,
    **settings: Any,
) -> System:
    """A convolution, and what usually follows it: pooling, normalisation, activation, dropout, in this order.

    `pool`: a layer, or the kernel of a `MaxPool2d`. `activation_before_pool`: normalise and activate before pooling.
    `dropout`: its rate; 0 for none.

    input: (batch, in, height, width) -> (batch, channels, rows, columns), of a `Maxout` so many times fewer channels.
    """
    pooling = () if pool is None else (_named(pool if isinstance(pool, Layer) else MaxPool2d(kernel=pool), "pool"),)
    active = (*_if(norm, "norm"), *_if(activation, "act"))
    return System.sequential(
        Conv2d(name="conv", channels=channels, kernel=kernel, padding=padding, **settings),
        *(active + pooling if activation_before_pool else pooling + active),
        *_dropout(dropout),
        name=name,
    )


def dense_block(
    name: str,
    units: int,
    norm: Layer | None = None,
    activation: Layer | None = _RELU,
    dropout: float = 0.0,
    **settings: Any,
) -> System:
    """A dense layer, and what usually follows it: normalisation, activation, dropout, in this order.

    input: (batch, ..., in) -> (batch, ..., units).
    """
    dense = Dense(name="dense", units=units, **settings)
    return System.sequential(dense, *_if(norm, "norm"), *_if(activation, "act"), *_dropout(dropout), name=name)


def residual_block(
    name: str,
    channels: int,
    stride: int = 1,
    entering: int | None = None,
    shortcut: Shortcut = "projection",
    norm: Layer = _BATCH_NORM,
    activation: Layer = _RELU,
    **settings: Any,
) -> System:
    """Two normalised 3x3 convolutions, to which what came in is added.

    `entering`: the channels that come in, if not `channels`. `shortcut`: how what came in gets the shape of the rest,
    where it is another: by a normalised 1x1 convolution (`"projection"`, option B), or by every second place and
    channels of zeros (`"padding"`, option A). Raises `ValueError` for padding to fewer channels. Source: He et al.,
    "Deep residual learning for image recognition", 2015, figure 2.

    x: (batch, entering, height, width) -> (batch, channels, rows, columns).
    """
    return System.sequential(
        _conv("conv1", channels, 3, stride, settings),
        _named(norm, "norm1"),
        _named(activation, "act1"),
        _conv("conv2", channels, 3, 1, settings),
        _named(norm, "norm2"),
        *_merged("norm2", channels, stride, entering, shortcut, norm, settings),
        _named(activation, "act2"),
        inputs="x",
        name=name,
    )


def bottleneck_block(
    name: str,
    channels: int,
    stride: int = 1,
    entering: int | None = None,
    expansion: int = 4,
    shortcut: Shortcut = "projection",
    norm: Layer = _BATCH_NORM,
    activation: Layer = _RELU,
    **settings: Any,
) -> System:
    """A normalised 1x1, 3x3 and 1x1 convolution, to which what came in is added; the last gives the most channels.

    Arguments as of `residual_block`; the stride is that of the 3x3 convolution. Source: He et al., 2015, figure 5.

    x: (batch, entering, height, width) -> (batch, channels * expansion, rows, columns).
    """
    leaving = channels * expansion
    return System.sequential(
        _conv("conv1", channels, 1, 1, settings),
        _named(norm, "norm1"),
        _named(activation, "act1"),
        _conv("conv2", channels, 3, stride, settings),
        _named(norm, "norm2"),
        _named(activation, "act2"),
        _conv("conv3", leaving, 1, 1, settings),
        _named(norm, "norm3"),
        *_merged("norm3", leaving, stride, entering, shortcut, norm, settings),
        _named(activation, "act3"),
        inputs="x",
        name=name,
    )


def pre_activation_block(
    name: str,
    channels: int,
    stride: int = 1,
    entering: int | None = None,
    shortcut: Shortcut = "projection",
    norm: Layer = _BATCH_NORM,
    activation: Layer = _RELU,
    dropout: float = 0.0,
    **settings: Any,
) -> System:
    """Normalise, activate, convolve, twice; what came in is added, and nothing follows.

    Arguments as of `residual_block`; a projection is not normalised, and takes what the first activation gives.
    `dropout`: its rate before the second convolution. Source: He et al., "Identity mappings in deep residual networks",
    2016, figure 1b; with dropout Zagoruyko and Komodakis, "Wide residual networks", 2016, figure 1d.

    x: (batch, entering, height, width) -> (batch, channels, rows, columns).
    """
    return System.sequential(
        _named(norm, "norm1"),
        _named(activation, "act1"),
        _conv("conv1", channels, 3, stride, settings),
        _named(norm, "norm2"),
        _named(activation, "act2"),
        *_dropout(dropout),
        _conv("conv2", channels, 3, 1, settings),
        *_merged("conv2", channels, stride, entering, shortcut, None, settings, source="act1"),
        inputs="x",
        name=name,
    )


def _merged(
    main: str,
    channels: int,
    stride: int,
    entering: int | None,
    shortcut: Shortcut,
    norm: Layer | None,
    settings: dict[str, Any],
    source: str = "x",
) -> tuple[Node | Layer, ...]:
    """The shortcut where the shape changes, and the sum of both ways."""
    entering, add = entering or channels, Add(name="add")
    if stride == 1 and entering == channels:
        return (add.on(main, "x"),)
    if shortcut == "projection":
        normalised = _if(norm, "shortcut_norm")
        end = "shortcut_norm" if normalised else "shortcut"
        return _conv("shortcut", channels, 1, stride, settings).on(source), *normalised, add.on(main, end)
    if shortcut == "padding":
        places = AvgPool2d(name="every_second", kernel=1, stride=stride).on("x")
        return places, PadChannels(name="shortcut", after=channels - entering), add.on(main, "shortcut")
    raise ValueError(f"shortcut is 'projection' or 'padding', got {shortcut!r}")


def _conv(name: str, channels: int, kernel: int, stride: int, settings: dict[str, Any]) -> Conv2d:
    """A convolution with as much padding on both sides, and without a bias, since a normalisation follows."""
    usual = {"channels": channels, "kernel": kernel, "stride": stride, "padding": kernel // 2, "bias": False}
    return Conv2d(name=name, **usual | settings)


def _named(layer: Layer, name: str) -> Layer:
    return replace(layer, name=name)


def _if(layer: Layer | None, name: str) -> tuple[Layer, ...]:
    return () if layer is None else (_named(layer, name),)


def _dropout(rate: float) -> tuple[Layer, ...]:
    return (Dropout(name="dropout", rate=rate),) if rate else ()
