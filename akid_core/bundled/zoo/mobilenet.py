"""MobileNetV2: narrow values between blocks, wide ones inside them, convolved channel by channel."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.bundled.zoo.classifier import classifier
from akid_core.bundled.zoo.residual import residual
from akid_core.graph import Brain, System
from akid_core.initializers import HeNormal, Normal
from akid_core.layers import BatchNorm, Conv2d, Dense, Dropout, GlobalAvgPool2d, ReLU6
from akid_core.specs import Layer

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and stride of the first block of each stage: table 2 of the paper."""


def mobilenet_v2(*, classes: int = 1000, size: int = 224) -> Brain:
    """MobileNetV2 of width 1, 3,504,872 parameters: 17 inverted residual blocks.

    Padding ("same") and the numbers of the normalisation are those of the authors' code, as in Keras; torchvision pads
    both sides alike. Takes image: (batch, 3, size, size). Gives logits: (batch, classes). Source: Sandler et al.,
    "MobileNetV2: inverted residuals and linear bottlenecks", 2018.
    """
    return classifier(
        _conv("conv1", 32, 3, stride=2),
        _norm("norm1"),
        ReLU6(name="relu1"),
        *_blocks(entering=32),
        _conv("conv2", 1280, 1),
        _norm("norm2"),
        ReLU6(name="relu2"),
        GlobalAvgPool2d(name="pool"),
        Dropout(name="dropout", rate=0.2),
        Dense(name="logits", units=classes, weight_init=Normal(stddev=0.01)),
        size=size,
    )


def _blocks(entering: int) -> Iterator[System]:
    number = 0
    for expansion, channels, depth, first_stride in STAGES:
        for index in range(depth):
            number += 1
            yield _block(f"block{number}", entering, expansion, channels, 1 if index else first_stride)
            entering = channels


def _block(name: str, entering: int, expansion: int, channels: int, stride: int) -> System:
    inside = entering * expansion
    widen: tuple[Layer, ...] = (_conv("expand", inside, 1), _norm("expand_norm"), ReLU6(name="expand_relu"))
    main: tuple[Layer, ...] = (
        *(widen if expansion > 1 else ()),
        _conv("depthwise", inside, 3, stride, groups=inside),
        _norm("depthwise_norm"),
        ReLU6(name="depthwise_relu"),
        _conv("project", channels, 1),
        _norm("project_norm"),
    )
    if stride == 1 and entering == channels:
        return residual(main, (), name=name)
    return System.sequential(*main, inputs="x", name=name)


def _conv(name: str, channels: int, kernel: int, stride: int = 1, groups: int = 1) -> Conv2d:
    return Conv2d(
        name=name,
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding="same",
        groups=groups,
        bias=False,
        weight_init=HeNormal(),
    )


def _norm(name: str) -> BatchNorm:
    return BatchNorm(name=name, decay=0.997, epsilon=1e-3)
