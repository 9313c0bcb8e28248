"""Small networks for digits of 28x28 pixels. All take image: (batch, 1, 28, 28) and give logits: (batch, classes)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain
from akid_core.initializers import Constant, HeUniform, Initializer, TruncatedNormal, Zeros
from akid_core.layers import Conv2d, Dense, Dropout, Flatten, MaxPool2d, ReLU
from akid_core.layers.padding import Padding
from akid_core.specs import Layer


def mlp(*, hidden: tuple[int, ...] = (200, 200), classes: int = 10, dropout: float = 0.0) -> Brain:
    """Dense layers with rectifiers; two of 200 units have 199,210 parameters.

    `hidden`: the units of each layer but the last. `dropout`: the rate after each of them. Source of the sizes: McMahan
    et al., "Communication-efficient learning of deep networks from decentralized data", 2017, section 3.
    """
    return classifier(Flatten(), *_hidden(hidden, dropout), Dense(name="logits", units=classes), channels=1, size=28)


def patrice_net(*, classes: int = 10) -> Brain:
    """One layer of 800 units, 636,010 parameters: the original akid's PatriceNet.

    Source: Simard et al., "Best practices for convolutional neural networks", 2003, section 5.
    """
    return mlp(hidden=(800,), classes=classes)


def one_layer_net(*, classes: int = 10) -> Brain:
    """One convolution, pooled to 6x6 places, 12,362 parameters: the original akid's OneLayerBrain."""
    return classifier(
        Conv2d(name="conv1", channels=32, kernel=5, padding="same"),
        ReLU(),
        MaxPool2d(name="pool1", kernel=5, padding="same"),
        Flatten(),
        Dense(name="logits", units=classes),
        channels=1,
        size=28,
    )


def lenet(*, classes: int = 10) -> Brain:
    """The original akid's LeNet, 1,663,370 parameters: two convolutions, pooled to 7x7 places, two dense layers."""
    return classifier(
        *_features(HeUniform(), Zeros(), pool="same"),
        Dense(name="dense1", units=512),
        ReLU(),
        Dense(name="logits", units=classes),
        channels=1,
        size=28,
    )


def mnist_tutorial_net(*, classes: int = 10) -> Brain:
    """The original akid's MnistTfTutorialNet, 1,237,386 parameters: its LeNet pooled to 6x6 places, with dropout.

    Source of its beginning and dropout: TensorFlow's tutorial "Deep MNIST for experts", 2015.
    """
    weights, biases = TruncatedNormal(stddev=0.1), Constant(value=0.1)
    return classifier(
        *_features(weights, biases, pool=1),
        Dense(name="dense1", units=512, weight_init=weights, bias_init=biases),
        ReLU(),
        Dropout(name="dropout", rate=0.5),
        Dense(name="logits", units=classes, weight_init=weights, bias_init=biases),
        channels=1,
        size=28,
    )


def intriguing_conv_net(*, classes: int = 10) -> Brain:
    """The original akid's IntriguingConvNet, 855,626 parameters: strides in place of poolings."""
    return classifier(
        Conv2d(name="conv1", channels=32, kernel=5, padding="same"),
        ReLU(),
        Conv2d(name="conv2", channels=64, kernel=5, stride=2, padding="same"),
        ReLU(),
        Flatten(),
        Dense(name="dense1", units=64),
        ReLU(),
        Dense(name="logits", units=classes),
        channels=1,
        size=28,
    )


def _hidden(units: Sequence[int], dropout: float) -> Iterator[Layer]:
    for number, count in enumerate(units, start=1):
        yield Dense(name=f"dense{number}", units=count)
        yield ReLU(name=f"relu{number}")
        if dropout:
            yield Dropout(name=f"dropout{number}", rate=dropout)


def _features(weights: Initializer, biases: Initializer, pool: Padding) -> tuple[Layer, ...]:
    """Two convolutions of 5x5 places with poolings; `pool`: the padding of the second."""
    return (
        Conv2d(name="conv1", channels=32, kernel=5, padding="same", weight_init=weights, bias_init=biases),
        ReLU(name="relu1"),
        MaxPool2d(name="pool1", kernel=2),
        Conv2d(name="conv2", channels=64, kernel=5, padding="same", weight_init=weights, bias_init=biases),
        ReLU(name="relu2"),
        MaxPool2d(name="pool2", kernel=5, stride=2, padding=pool),
        Flatten(name="flatten"),
    )
