"""VGG: deep stacks of 3x3 convolutions.

Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, table 1,
columns A, B, D and E, with or without batch normalisation as torchvision has them. Those for photographs take image:
(batch, 3, size, size), `size` a multiple of 32, and give logits: (batch, classes).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain, System
from akid_core.initializers import HeNormal, Normal
from akid_core.layers import BatchNorm, Conv2d, Dense, Dropout, Flatten, MaxPool2d, ReLU
from akid_core.specs import Layer

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the convolutions of each stage; a pooling ends it."""


def vgg11(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-11, 132,863,336 parameters."""
    return _network((1, 1, 2, 2, 2), classes, size)


def vgg13(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-13, 133,047,848 parameters."""
    return _network((2, 2, 2, 2, 2), classes, size)


def vgg16(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-16, 138,357,544 parameters."""
    return _network((2, 2, 3, 3, 3), classes, size)


def vgg19(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-19, 143,667,240 parameters."""
    return _network((2, 2, 4, 4, 4), classes, size)


def vgg11_bn(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-11 with batch normalisation, 132,868,840 parameters."""
    return _network((1, 1, 2, 2, 2), classes, size, norm=True)


def vgg13_bn(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-13 with batch normalisation, 133,053,736 parameters."""
    return _network((2, 2, 2, 2, 2), classes, size, norm=True)


def vgg16_bn(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-16 with batch normalisation, 138,365,992 parameters."""
    return _network((2, 2, 3, 3, 3), classes, size, norm=True)


def vgg19_bn(*, classes: int = 1000, size: int = 224) -> Brain:
    """VGG-19 with batch normalisation, 143,678,248 parameters."""
    return _network((2, 2, 4, 4, 4), classes, size, norm=True)


def cifar_vgg(*, classes: int = 10) -> Brain:
    """A VGG of ten convolutions for images of 32x32 pixels, all normalised, with dropout; 8,695,882 parameters.

    The original akid's has 20 more, in a normalisation after the logits whose output nothing takes. Source of the
    dropout rates: Zagoruyko, "92.45% on CIFAR-10 in Torch", 2015, http://torch.ch/blog/2015/07/30/cifar.html.

    Takes image: (batch, 3, 32, 32). Gives logits: (batch, classes).
    """
    stages = (
        _stage(f"stage{number}", channels, depth, norm=True, dropout=0.4 if number > 1 else 0.3)
        for number, (channels, depth) in enumerate(zip((64, 128, 256, 512), (2, 2, 3, 3), strict=True), start=1)
    )
    return classifier(
        *stages,
        Flatten(),
        Dropout(rate=0.5),
        Dense(name="dense1", units=512),
        BatchNorm(name="norm1"),
        ReLU(),
        Dropout(rate=0.5),
        Dense(name="logits", units=classes),
        size=32,
    )


def _network(depths: Sequence[int], classes: int, size: int, norm: bool = False) -> Brain:
    if size % 32:
        raise ValueError(f"size must be a multiple of 32, since five poolings halve it, got {size}")
    pairs = enumerate(zip(CHANNELS, depths, strict=True), start=1)
    return classifier(
        *(_stage(f"stage{number}", channels, depth, norm) for number, (channels, depth) in pairs),
        Flatten(),
        *_hidden("dense1"),
        *_hidden("dense2"),
        Dense(name="logits", units=classes, weight_init=Normal(stddev=0.01)),
        size=size,
    )


def _stage(name: str, channels: int, depth: int, norm: bool, dropout: float = 0.0) -> System:
    """`depth` convolutions and a pooling; with `dropout` between the convolutions."""
    layers: list[Layer] = []
    for number in range(1, depth + 1):
        layers += _convolution(channels, number, norm)
        if dropout and number < depth:
            layers.append(Dropout(name=f"dropout{number}", rate=dropout))
    return System.sequential(*layers, MaxPool2d(name="pool", kernel=2), inputs="x", name=name)


def _convolution(channels: int, number: int, norm: bool) -> Iterator[Layer]:
    yield Conv2d(name=f"conv{number}", channels=channels, kernel=3, padding=1, weight_init=HeNormal())
    if norm:
        yield BatchNorm(name=f"norm{number}")
    yield ReLU(name=f"relu{number}")


def _hidden(name: str) -> tuple[Layer, ...]:
    return Dense(name=name, units=4096, weight_init=Normal(stddev=0.01)), ReLU(), Dropout(rate=0.5)
