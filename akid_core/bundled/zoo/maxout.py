"""Maxout networks: convolutions of which the largest of several pieces goes on, with dropout before each.

Source: Goodfellow et al., "Maxout networks", 2013, sections 5.1 and 5.2; kernels and paddings are those of the authors'
experiments in Pylearn2, whose poolings also give a value where a window at the end is not full. The original akid
compared them with rectifiers in place of maxout, by which all pieces go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain
from akid_core.initializers import Uniform
from akid_core.layers import BatchNorm, Conv2d, Dense, Dropout, Flatten, Maxout, MaxPool2d, ReLU
from akid_core.specs import Layer

Activation = Literal["maxout", "relu"]

START = Uniform(low=-0.005, high=0.005)


def maxout_mnist(*, classes: int = 10, activation: Activation = "maxout", norm: bool = False) -> Brain:
    """Three maxout convolutions of 96 pieces for digits; 418,714 parameters.

    `activation`: what follows a convolution. `norm`: batch normalisation without scale before it, as in the original
    akid; 288 parameters more.

    Takes image: (batch, 1, 28, 28). Gives logits: (batch, classes).
    """
    return classifier(
        Dropout(name="dropout1", rate=0.2),
        *_convolution(1, 96, kernel=8, padding=0, pool=4, pieces=2, activation=activation, norm=norm),
        Dropout(name="dropout2", rate=0.5),
        *_convolution(2, 96, kernel=8, padding=3, pool=4, pieces=2, activation=activation, norm=norm),
        Dropout(name="dropout3", rate=0.5),
        *_convolution(3, 96, kernel=5, padding=3, pool=2, pieces=4, activation=activation, norm=norm),
        Flatten(),
        Dense(name="logits", units=classes, weight_init=START),
        channels=1,
        size=28,
    )


def maxout_cifar10(*, classes: int = 10, activation: Activation = "maxout", hidden: int = 2500) -> Brain:
    """Three maxout convolutions of up to 384 pieces and a dense maxout layer; 16,247,830 parameters.

    `activation`: what follows each of them. `hidden`: pieces of the dense layer, five of which make a unit.

    Takes image: (batch, 3, 32, 32). Gives logits: (batch, classes).
    """
    return classifier(
        Dropout(name="dropout1", rate=0.2),
        *_convolution(1, 192, kernel=8, padding=4, pool=4, pieces=2, activation=activation),
        Dropout(name="dropout2", rate=0.5),
        *_convolution(2, 384, kernel=8, padding=3, pool=4, pieces=2, activation=activation),
        Dropout(name="dropout3", rate=0.5),
        *_convolution(3, 384, kernel=5, padding=3, pool=2, pieces=2, activation=activation),
        Flatten(),
        Dropout(name="dropout4", rate=0.5),
        Dense(name="dense", units=hidden, weight_init=START),
        _active("act4", activation, pieces=5),
        Dropout(name="dropout5", rate=0.5),
        Dense(name="logits", units=classes, weight_init=START),
        size=32,
    )


def _convolution(
    number: int,
    channels: int,
    *,
    kernel: int,
    padding: int,
    pool: int,
    pieces: int,
    activation: Activation,
    norm: bool = False,
) -> Iterator[Layer]:
    yield Conv2d(name=f"conv{number}", channels=channels, kernel=kernel, padding=padding, weight_init=START)
    yield MaxPool2d(name=f"pool{number}", kernel=pool, stride=2, padding=((0, 1), (0, 1)))
    if norm:
        yield BatchNorm(name=f"norm{number}", scale=False)
    yield _active(f"act{number}", activation, pieces)


def _active(name: str, activation: Activation, pieces: int) -> Layer:
    return ReLU(name=name) if activation == "relu" else Maxout(name=name, group_size=pieces)
