"""What the residual networks share: two ways from one input that are added again, and stages of such blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from akid_core.graph import Node, System
from akid_core.initializers import HeNormal
from akid_core.layers import Add, BatchNorm, Conv2d
from akid_core.specs import Layer

MakeBlock = Callable[[str, int, int, int], System]
"""A block by (name, channels that enter, channels, stride)."""


def residual(main: Sequence[Layer], shortcut: Sequence[Layer], *then: Layer, name: str) -> System:
    """The System `name`: what `main` makes of its input x, plus what `shortcut` makes of it, followed by `then`.

    `shortcut`: empty for x itself. All layers are named.

    x: (batch, in, height, width) -> (batch, out, rows, columns), the shape in which both ways end.
    """
    ways: list[Layer | Node] = []
    for way in (main, shortcut):
        ways += (way[0].on("x"), *way[1:]) if way else ()
    add = Add(name="add").on(str(main[-1].name), str(shortcut[-1].name) if shortcut else "x")
    return System.sequential(*ways, add, *then, inputs="x", name=name)


def projection(channels: int, stride: int) -> tuple[Layer, ...]:
    """A shortcut to other channels or fewer places: a normalised convolution of single places (option B of ResNet)."""
    return conv("shortcut", channels, 1, stride), BatchNorm(name="shortcut_norm")


def stages(depths: Sequence[int], channels: int, expansion: int, entering: int, block: MakeBlock) -> Iterator[System]:
    """The Systems `stage1`, `stage2`, … of `block1`, `block2`, …: each with twice the channels of the one before.

    `channels`: those of the first stage, of which `expansion` times as many leave a block; `entering` enter the first.
    Each stage but the first begins with a stride of 2.
    """
    for number, depth in enumerate(depths):
        blocks: list[System] = []
        for index in range(depth):
            stride = 2 if number and not index else 1
            blocks.append(block(f"block{index + 1}", entering, channels, stride))
            entering = channels * expansion
        yield System.sequential(*blocks, inputs="x", name=f"stage{number + 1}")
        channels *= 2


def conv(name: str, channels: int, kernel: int, stride: int = 1) -> Conv2d:
    """A convolution without bias, with as much padding on both sides, begun as He et al. do."""
    return Conv2d(
        name=name,
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=kernel // 2,
        bias=False,
        weight_init=HeNormal(),
    )
