"""Residual networks for images of 32x32 pixels: ResNet with 6n + 2 layers.

Source: He et al., "Deep residual learning for image recognition", 2015, section 4.2: three stages of 16, 32 and 64
channels; where the shape changes, the shortcut takes every second place and adds channels of zeros, which has no
parameters (option A). All take image: (batch, 3, 32, 32) and give logits: (batch, classes).
"""

from __future__ import annotations

from akid_core.bundled.zoo.classifier import classifier
from akid_core.bundled.zoo.residual import conv, residual, stages
from akid_core.graph import Brain, System
from akid_core.layers import AvgPool2d, BatchNorm, Dense, GlobalAvgPool2d, PadChannels, ReLU
from akid_core.specs import Layer


def cifar_resnet20(*, classes: int = 10) -> Brain:
    """ResNet-20, 269,722 parameters."""
    return cifar_resnet(depth=20, classes=classes)


def cifar_resnet32(*, classes: int = 10) -> Brain:
    """ResNet-32, 464,154 parameters."""
    return cifar_resnet(depth=32, classes=classes)


def cifar_resnet44(*, classes: int = 10) -> Brain:
    """ResNet-44, 658,586 parameters."""
    return cifar_resnet(depth=44, classes=classes)


def cifar_resnet56(*, classes: int = 10) -> Brain:
    """ResNet-56, 853,018 parameters."""
    return cifar_resnet(depth=56, classes=classes)


def cifar_resnet110(*, classes: int = 10) -> Brain:
    """ResNet-110, 1,727,962 parameters."""
    return cifar_resnet(depth=110, classes=classes)


def cifar_resnet(*, depth: int = 20, classes: int = 10) -> Brain:
    """ResNet with `depth` layers, 6n + 2. Raises `ValueError` for another depth."""
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth counts 2 layers and 6 for each block of a stage: 8, 14, 20 and so on, got {depth}")
    return classifier(
        conv("conv1", 16, 3),
        BatchNorm(name="norm1"),
        ReLU(),
        *stages((depth // 6,) * 3, channels=16, expansion=1, entering=16, block=_block),
        GlobalAvgPool2d(name="pool"),
        Dense(name="logits", units=classes),
        size=32,
    )


def _block(name: str, entering: int, channels: int, stride: int) -> System:
    main = (
        conv("conv1", channels, 3, stride),
        BatchNorm(name="norm1"),
        ReLU(name="relu1"),
        conv("conv2", channels, 3),
        BatchNorm(name="norm2"),
    )
    changed: tuple[Layer, ...] = (
        AvgPool2d(name="every_second", kernel=1, stride=stride),
        PadChannels(name="shortcut", after=channels - entering),
    )
    return residual(main, changed if stride > 1 else (), ReLU(name="relu2"), name=name)
