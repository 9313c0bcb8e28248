"""AlexNet for photographs, and the small network for CIFAR-10 that is called after it."""

from __future__ import annotations

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain
from akid_core.initializers import Constant, HeNormal, Normal, TruncatedNormal
from akid_core.layers import LRN, Conv2d, Dense, Dropout, Flatten, MaxPool2d, ReLU


def alexnet(*, classes: int = 1000) -> Brain:
    """AlexNet as a single tower, as torchvision has it; 61,100,840 parameters.

    Takes image: (batch, 3, 224, 224). Gives logits: (batch, classes). Source: Krizhevsky, "One weird trick for
    parallelizing convolutional neural networks", 2014; first in Krizhevsky et al., "ImageNet classification with deep
    convolutional neural networks", 2012.
    """
    return classifier(
        Conv2d(name="conv1", channels=64, kernel=11, stride=4, padding=2, weight_init=HeNormal()),
        ReLU(),
        MaxPool2d(name="pool1", kernel=3, stride=2),
        Conv2d(name="conv2", channels=192, kernel=5, padding=2, weight_init=HeNormal()),
        ReLU(),
        MaxPool2d(name="pool2", kernel=3, stride=2),
        Conv2d(name="conv3", channels=384, kernel=3, padding=1, weight_init=HeNormal()),
        ReLU(),
        Conv2d(name="conv4", channels=256, kernel=3, padding=1, weight_init=HeNormal()),
        ReLU(),
        Conv2d(name="conv5", channels=256, kernel=3, padding=1, weight_init=HeNormal()),
        ReLU(),
        MaxPool2d(name="pool5", kernel=3, stride=2),
        Flatten(),
        Dropout(rate=0.5),
        Dense(name="dense1", units=4096, weight_init=HeNormal()),
        ReLU(),
        Dropout(rate=0.5),
        Dense(name="dense2", units=4096, weight_init=HeNormal()),
        ReLU(),
        Dense(name="logits", units=classes, weight_init=Normal(stddev=0.01)),
    )


def cifar_alexnet(*, classes: int = 10, size: int = 24) -> Brain:
    """Two normalised convolutions and two dense layers for parts of CIFAR-10 images; 1,068,298 parameters.

    Takes image: (batch, 3, size, size). Gives logits: (batch, classes). Source: TensorFlow's tutorial "Convolutional
    neural networks" of 2016, after the layers of cuda-convnet by Krizhevsky.
    """
    return classifier(
        Conv2d(name="conv1", channels=64, kernel=5, padding="same", weight_init=TruncatedNormal(stddev=0.05)),
        ReLU(),
        MaxPool2d(name="pool1", kernel=3, stride=2, padding="same"),
        LRN(name="norm1"),
        Conv2d(
            name="conv2",
            channels=64,
            kernel=5,
            padding="same",
            weight_init=TruncatedNormal(stddev=0.05),
            bias_init=Constant(value=0.1),
        ),
        ReLU(),
        LRN(name="norm2"),
        MaxPool2d(name="pool2", kernel=3, stride=2, padding="same"),
        Flatten(),
        _dense("dense1", 384),
        ReLU(),
        _dense("dense2", 192),
        ReLU(),
        Dense(name="logits", units=classes, weight_init=TruncatedNormal(stddev=1 / 192)),
        size=size,
    )


def _dense(name: str, units: int) -> Dense:
    return Dense(name=name, units=units, weight_init=TruncatedNormal(stddev=0.04), bias_init=Constant(value=0.1))
