"""Networks of convolutions alone: strides in place of poolings, and means of maps in place of dense layers.

Source: Springenberg et al., "Striving for simplicity: the all convolutional net", 2014, tables 1, 2 (All-CNN-A, -B and
-C for images of 32x32 pixels) and 6 (for photographs).
"""

from __future__ import annotations

from collections.abc import Sequence

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain
from akid_core.initializers import HeNormal
from akid_core.layers import Conv2d, Dropout, GlobalAvgPool2d, ReLU
from akid_core.layers.padding import Padding
from akid_core.specs import Layer


def all_cnn_a(*, classes: int = 10) -> Brain:
    """All-CNN-A, 1,254,250 parameters: one 5x5 convolution in each of two stages.

    Takes image: (batch, 3, 32, 32). Gives logits: (batch, classes).
    """
    return _cifar([(96, 5)], [(192, 5)], classes)


def all_cnn_b(*, classes: int = 10) -> Brain:
    """All-CNN-B, 1,300,618 parameters: a 5x5 convolution and one of single places in each of two stages.

    Takes image: (batch, 3, 32, 32). Gives logits: (batch, classes).
    """
    return _cifar([(96, 5), (96, 1)], [(192, 5), (192, 1)], classes)


def all_cnn_c(*, classes: int = 10) -> Brain:
    """All-CNN-C, 1,369,738 parameters: two 3x3 convolutions in each of two stages.

    Takes image: (batch, 3, 32, 32). Gives logits: (batch, classes).
    """
    return _cifar([(96, 3), (96, 3)], [(192, 3), (192, 3)], classes)


def all_cnn_imagenet(*, classes: int = 1000) -> Brain:
    """The all-convolutional network for photographs, twelve convolutions; 9,372,840 parameters.

    Takes image: (batch, 3, 224, 224). Gives logits: (batch, classes).
    """
    return classifier(
        *_conv(1, 96, kernel=11, stride=4, padding="valid"),
        *_conv(2, 96, kernel=1),
        *_conv(3, 96, kernel=3, stride=2),
        *_conv(4, 256, kernel=5),
        *_conv(5, 256, kernel=1),
        *_conv(6, 256, kernel=3, stride=2),
        *_conv(7, 384, kernel=3),
        *_conv(8, 384, kernel=1),
        *_conv(9, 384, kernel=3, stride=2),
        Dropout(name="dropout", rate=0.5),
        *_conv(10, 1024, kernel=3),
        *_conv(11, 1024, kernel=1),
        *_conv(12, classes, kernel=1),
        GlobalAvgPool2d(name="logits"),
    )


def _cifar(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]], classes: int) -> Brain:
    """Two stages of convolutions (channels, kernel), each ended by one with a stride; then three more.

    The first of the last three is not padded, so that means of 6x6 places are taken.
    """
    layers: list[Layer] = [Dropout(name="dropout1", rate=0.2)]
    number = 1
    for stage, kernels in enumerate((first, second), start=2):
        for channels, kernel in kernels:
            layers += _conv(number, channels, kernel)
            number += 1
        layers += _conv(number, kernels[0][0], kernel=3, stride=2)
        layers.append(Dropout(name=f"dropout{stage}", rate=0.5))
        number += 1
    layers += _conv(number, 192, kernel=3, padding="valid")
    layers += _conv(number + 1, 192, kernel=1)
    layers += _conv(number + 2, classes, kernel=1)
    return classifier(*layers, GlobalAvgPool2d(name="logits"), size=32)


def _conv(number: int, channels: int, kernel: int, stride: int = 1, padding: Padding = "same") -> tuple[Layer, ...]:
    conv = Conv2d(
        name=f"conv{number}",
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        weight_init=HeNormal(),
    )
    return conv, ReLU(name=f"relu{number}")
