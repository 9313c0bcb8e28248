"""Statistics: mean and deviation of the channels of well-known data sets, for `normalize`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Name = Literal["cifar10", "cifar100", "mnist", "fashion_mnist", "imagenet"]


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each channel over the training pictures, whose values are 0 to 1; their source."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str


def _of_255(*values: float) -> tuple[float, ...]:
    return tuple(value / 255 for value in values)


STATISTICS: dict[Name, Statistics] = {
    "cifar10": Statistics(
        _of_255(125.3, 123.0, 113.9),
        _of_255(63.0, 62.1, 66.7),
        "facebook/fb.resnet.torch, datasets/cifar10.lua; also S. Zagoruyko and N. Komodakis, Wide Residual Networks",
    ),
    "cifar100": Statistics(
        _of_255(129.3, 124.1, 112.4),
        _of_255(68.2, 65.4, 70.4),
        "facebook/fb.resnet.torch, datasets/cifar100.lua",
    ),
    "mnist": Statistics((0.1307,), (0.3081,), "computed from the 60,000 training images"),
    "fashion_mnist": Statistics((0.2860,), (0.3530,), "computed from the 60,000 training images"),
    "imagenet": Statistics(
        (0.485, 0.456, 0.406),
        (0.229, 0.224, 0.225),
        "torchvision's pretrained models; facebook/fb.resnet.torch, datasets/imagenet.lua",
    ),
}
assert tuple(STATISTICS) == get_args(Name)
