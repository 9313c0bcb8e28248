"""What the built-in plugin `zoo` declares: networks by name, each a function so called in the module of its family."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.plugin_api import BrainInfo, hookimpl

FAMILIES = (
    (
        "lenet",
        "LeCun et al., Gradient-based learning applied to document recognition, 1998",
        {"lenet5": "digits of 32x32 pixels: two convolutions, three dense layers"},
    ),
    (
        "resnet",
        "He et al., Deep residual learning for image recognition, 2015",
        {
            "resnet18": "photographs: 8 residual blocks of two convolutions",
            "resnet34": "photographs: 16 residual blocks of two convolutions",
            "resnet50": "photographs: 16 residual bottlenecks",
            "resnet101": "photographs: 33 residual bottlenecks",
            "resnet152": "photographs: 50 residual bottlenecks",
            "wide_resnet50_2": "photographs: 16 residual bottlenecks, twice as wide inside",
        },
    ),
    (
        "cifar_resnet",
        "He et al., Deep residual learning for image recognition, 2015, section 4.2",
        {
            "cifar_resnet": "images of 32x32 pixels: residual blocks in three stages, 6n + 2 layers",
            "cifar_resnet20": "images of 32x32 pixels: 9 residual blocks",
            "cifar_resnet32": "images of 32x32 pixels: 15 residual blocks",
            "cifar_resnet44": "images of 32x32 pixels: 21 residual blocks",
            "cifar_resnet56": "images of 32x32 pixels: 27 residual blocks",
            "cifar_resnet110": "images of 32x32 pixels: 54 residual blocks",
        },
    ),
    (
        "wide_resnet",
        "Zagoruyko and Komodakis, Wide residual networks, 2016",
        {
            "wide_resnet": "images of 32x32 pixels: pre-activated residual blocks of any width, 6n + 4 layers",
            "wide_resnet28_10": "images of 32x32 pixels: 12 pre-activated residual blocks, 10 times as wide",
            "wide_resnet16_4": "images of 32x32 pixels: 6 pre-activated residual blocks, 4 times as wide",
        },
    ),
)
"""For each family its module, its source, and its networks with a summary."""


@hookimpl
def akid_brains() -> Iterator[BrainInfo]:
    for module, source, networks in FAMILIES:
        for name, summary in networks.items():
            target = f"akid_core.bundled.zoo.{module}:{name}"
            yield BrainInfo(name=name, target=target, summary=summary, source=source)
