"""LeNet-5, as it was and as it is mostly built today.

Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B. Both take image:
(batch, 1, 32, 32) and give logits: (batch, classes). Where the paper has 1.7159 tanh(2x / 3), and distances to
drawings of the digits as outputs, here are a plain tanh and a dense layer.
"""

from __future__ import annotations

from akid_core.bundled.zoo.classifier import classifier
from akid_core.graph import Brain, Node, System
from akid_core.layers import AvgPool2d, Concat, Conv2d, Dense, Flatten, Split, Tanh

SEEN = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
"""Which of the 6 maps each of the 16 filters of the second convolution sees: table I of the paper."""


def lenet5(*, classes: int = 10) -> Brain:
    """LeNet-5 as it is mostly built today: poolings without weights, every filter sees every map; 61,706 parameters."""
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


def lenet5_1998(*, classes: int = 10) -> Brain:
    """LeNet-5 of the paper: poolings with weights, filters that see some of the maps; 60,850 parameters.

    The paper counts 60,000, to which the dense layer in place of its fixed outputs adds 850.
    """
    return classifier(
        Conv2d(name="conv1", channels=6, kernel=5),
        Tanh(),
        *_subsampling("pool1", 6),
        _partial_convolution("conv2"),
        Tanh(),
        *_subsampling("pool2", 16),
        Conv2d(name="conv3", channels=120, kernel=5),
        Tanh(),
        Flatten(),
        Dense(name="dense", units=84),
        Tanh(),
        Dense(name="logits", units=classes),
        channels=1,
        size=32,
    )


def _subsampling(name: str, maps: int) -> tuple[AvgPool2d, Conv2d, Tanh]:
    """The mean of 2x2 places, with a factor and a bias for each map."""
    return (
        AvgPool2d(name=name, kernel=2),
        Conv2d(name=f"{name}_weights", channels=maps, kernel=1, groups=maps),
        Tanh(name=f"{name}_tanh"),
    )


def _partial_convolution(name: str) -> System:
    """Filters of 5x5 places, each over the maps that it sees. x: (batch, 6, 14, 14) -> (batch, 16, 10, 10)."""
    filters: list[Node] = []
    for number, maps in enumerate(SEEN):
        filters.append(Concat(name=f"seen{number}").on(*(f"maps:{index}" for index in maps)))
        filters.append(Conv2d(name=f"filter{number}", channels=1, kernel=5).on(f"seen{number}"))
    together = Concat(name="together").on(*(f"filter{number}" for number in range(len(SEEN))))
    return System.graph(Split(name="maps", parts=6).on("x"), *filters, together, inputs="x", name=name)
