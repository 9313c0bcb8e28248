"""Wide residual networks for images of 32x32 pixels.

Source: Zagoruyko and Komodakis, "Wide residual networks", 2016, table 1, in the pre-activated form of He et al.,
"Identity mappings in deep residual networks", 2016: three stages of 16k, 32k and 64k channels, k being the width. All
take image: (batch, 3, 32, 32) and give logits: (batch, classes).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from akid_core.bundled.zoo.classifier import classifier
from akid_core.bundled.zoo.residual import conv, stages
from akid_core.graph import Brain, Node, System
from akid_core.layers import Add, AvgPool2d, BatchNorm, Dense, Dropout, GlobalAvgPool2d, PadChannels, ReLU
from akid_core.specs import Layer

Shortcut = Literal["projection", "padding"]


def wide_resnet28_10(*, classes: int = 10, dropout: float = 0.0) -> Brain:
    """WRN-28-10, 36,479,194 parameters with 10 classes."""
    return wide_resnet(depth=28, width=10, classes=classes, dropout=dropout)


def wide_resnet16_4(*, classes: int = 10, dropout: float = 0.0) -> Brain:
    """WRN-16-4, 2,748,890 parameters with 10 classes."""
    return wide_resnet(depth=16, width=4, classes=classes, dropout=dropout)


def wide_resnet(
    *, depth: int = 28, width: int = 2, classes: int = 10, dropout: float = 0.0, shortcut: Shortcut = "projection"
) -> Brain:
    """WRN with `depth` layers, 6n + 4, and `width` times the channels of a thin one; 28-2 has 1,467,610 parameters.

    `dropout`: the rate between the convolutions of a block. `shortcut`: how it gets another shape, by a convolution of
    single places, or without parameters by means of 2x2 places and channels of zeros. Raises `ValueError` for another
    depth.
    """
    if depth < 10 or depth % 6 != 4:
        raise ValueError(f"depth counts 4 layers and 6 for each block of a stage: 10, 16, 22 and so on, got {depth}")
    block = partial(_block, dropout=dropout, shortcut=shortcut)
    return classifier(
        conv("conv1", 16, 3),
        *stages(((depth - 4) // 6,) * 3, channels=16 * width, expansion=1, entering=16, block=block),
        BatchNorm(name="norm"),
        ReLU(),
        GlobalAvgPool2d(name="pool"),
        Dense(name="logits", units=classes),
        size=32,
    )


def _block(name: str, entering: int, channels: int, stride: int, dropout: float, shortcut: Shortcut) -> System:
    """Normalise and rectify, twice, each before a convolution. A projection takes the input as it is rectified."""
    main: tuple[Layer, ...] = (
        BatchNorm(name="norm1"),
        ReLU(name="relu1"),
        conv("conv1", channels, 3, stride),
        BatchNorm(name="norm2"),
        ReLU(name="relu2"),
        *((Dropout(name="dropout", rate=dropout),) if dropout else ()),
        conv("conv2", channels, 3),
    )
    side: tuple[Layer | Node, ...] = ()
    if (stride > 1 or entering != channels) and shortcut == "projection":
        side = (conv("shortcut", channels, 1, stride).on("relu1"),)
    elif stride > 1 or entering != channels:
        side = (
            AvgPool2d(name="means", kernel=stride).on("x"),
            PadChannels(name="shortcut", after=channels - entering),
        )
    add = Add(name="add").on("conv2", "shortcut" if side else "x")
    return System.sequential(*main, *side, add, inputs="x", name=name)
