"""Residual networks for photographs: ResNet and its wide form.

Source: He et al., "Deep residual learning for image recognition", 2015, table 1, with projections where the shape
changes (option B). A bottleneck halves the image in its 3x3 convolution, as torchvision and transformers do, not in the
1x1 before it as in the paper. All take image: (batch, 3, size, size) and give logits: (batch, classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from akid_core.bundled.zoo.classifier import classifier
from akid_core.bundled.zoo.residual import MakeBlock, conv, projection, residual, stages
from akid_core.graph import Brain, System
from akid_core.layers import BatchNorm, Dense, GlobalAvgPool2d, MaxPool2d, ReLU

EXPANSION = 4
"""How many times more channels leave a bottleneck than the plain block of its stage."""


def resnet18(*, classes: int = 1000, size: int = 224) -> Brain:
    """ResNet-18, 11,689,512 parameters: 8 blocks of two convolutions."""
    return _network((2, 2, 2, 2), _basic, 1, classes, size)


def resnet34(*, classes: int = 1000, size: int = 224) -> Brain:
    """ResNet-34, 21,797,672 parameters: 16 blocks of two convolutions."""
    return _network((3, 4, 6, 3), _basic, 1, classes, size)


def resnet50(*, classes: int = 1000, size: int = 224) -> Brain:
    """ResNet-50, 25,557,032 parameters: 16 bottlenecks."""
    return _network((3, 4, 6, 3), _bottleneck, EXPANSION, classes, size)


def resnet101(*, classes: int = 1000, size: int = 224) -> Brain:
    """ResNet-101, 44,549,160 parameters: 33 bottlenecks."""
    return _network((3, 4, 23, 3), _bottleneck, EXPANSION, classes, size)


def resnet152(*, classes: int = 1000, size: int = 224) -> Brain:
    """ResNet-152, 60,192,808 parameters: 50 bottlenecks."""
    return _network((3, 8, 36, 3), _bottleneck, EXPANSION, classes, size)


def wide_resnet50_2(*, classes: int = 1000, size: int = 224) -> Brain:
    """ResNet-50 with twice the channels inside its bottlenecks, 68,883,240 parameters.

    Source: Zagoruyko and Komodakis, "Wide residual networks", 2016, table 8.
    """
    return _network((3, 4, 6, 3), partial(_bottleneck, width=2), EXPANSION, classes, size)


def _network(depths: Sequence[int], block: MakeBlock, expansion: int, classes: int, size: int) -> Brain:
    return classifier(
        conv("conv1", 64, 7, stride=2),
        BatchNorm(name="norm1"),
        ReLU(),
        MaxPool2d(name="pool1", kernel=3, stride=2, padding=1),
        *stages(depths, channels=64, expansion=expansion, entering=64, block=block),
        GlobalAvgPool2d(name="pool"),
        Dense(name="logits", units=classes),
        size=size,
    )


def _basic(name: str, entering: int, channels: int, stride: int) -> System:
    main = (
        conv("conv1", channels, 3, stride),
        BatchNorm(name="norm1"),
        ReLU(name="relu1"),
        conv("conv2", channels, 3),
        BatchNorm(name="norm2"),
    )
    changes = stride > 1 or entering != channels
    return residual(main, projection(channels, stride) if changes else (), ReLU(name="relu2"), name=name)


def _bottleneck(name: str, entering: int, channels: int, stride: int, width: int = 1) -> System:
    leaving = channels * EXPANSION
    main = (
        conv("conv1", channels * width, 1),
        BatchNorm(name="norm1"),
        ReLU(name="relu1"),
        conv("conv2", channels * width, 3, stride),
        BatchNorm(name="norm2"),
        ReLU(name="relu2"),
        conv("conv3", leaving, 1),
        BatchNorm(name="norm3"),
    )
    changes = stride > 1 or entering != leaving
    return residual(main, projection(leaving, stride) if changes else (), ReLU(name="relu3"), name=name)
