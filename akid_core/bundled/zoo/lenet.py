"""LeNet: the first convolutional networks for digits."""

from __future__ import annotations

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain
from akid_core.layers import AvgPool2d, Conv2d, Dense, Flatten, Tanh


def lenet5(*, classes: int = 10) -> Brain:
    """LeNet-5 as it is mostly built today: poolings without weights, every filter sees every map; 61,706 parameters.

    Takes image: (batch, 1, 32, 32). Source: LeCun et al., "Gradient-based learning applied to document recognition",
    1998, section II.B.
    """
    return classifier(
        Conv2d(name="conv1", channels=6, kernel=5),
        Tanh(),
        AvgPool2d(name="pool1", kernel=2),
        Conv2d(name="conv2", channels=16, kernel=5),
        Tanh(),
        AvgPool2d(name="pool2", kernel=2),
        Flatten(),
        Dense(name="dense1", units=120),
        Tanh(),
        Dense(name="dense2", units=84),
        Tanh(),
        Dense(name="logits", units=classes),
        channels=1,
        size=32,
    )
