"""The race of compiled steps, see `step_overhead`: the tiny MLP, and ResNet-20."""

from __future__ import annotations

from measure import Contestant, alternate, report
from step_overhead import akid_contestant, bare_torch, data, mlp

import akid_core as akid
from akid_core import layers as L

BARE = "bare torch loop"
MLP_GOALS = {"akid compiled, one step a call": 0.5, "akid compiled, bundled": 0.25}
RESNET_GOALS = {"akid compiled": 0.9}


def resnet20() -> list[akid.Layer | akid.System]:
    """He et al., 2016, for images of 32x32: three stages of three blocks; a wider one begins with a 1x1 shortcut."""
    stem = [L.Conv2d(channels=16, kernel=3, padding="same", bias=False), L.BatchNorm(), L.ReLU()]
    widths = [
        (channels, stride if first else 1) for channels, stride in ((16, 1), (32, 2), (64, 2)) for first in (1, 0, 0)
    ]
    blocks = [residual(f"block{number}", *width) for number, width in enumerate(widths)]
    return [*stem, *blocks, L.GlobalAvgPool2d(), L.Dense(units=10, name="logits")]


def residual(name: str, channels: int, stride: int) -> akid.System:
    nodes = [
        L.Conv2d(channels=channels, kernel=3, stride=stride, padding=1, bias=False, name="conv1").on("x"),
        L.BatchNorm(name="norm1").on("conv1"),
        L.ReLU(name="relu").on("norm1"),
        L.Conv2d(channels=channels, kernel=3, padding=1, bias=False, name="conv2").on("relu"),
        L.BatchNorm(name="norm2").on("conv2"),
    ]
    if stride > 1:
        nodes.append(L.Conv2d(channels=channels, kernel=1, stride=stride, bias=False, name="conv3").on("x"))
        nodes.append(L.BatchNorm(name="norm3").on("conv3"))
    nodes += [L.Add(name="sum").on("norm2", "norm3" if stride > 1 else "x"), L.ReLU(name="out").on("sum")]
    return akid.System.graph(*nodes, name=name, inputs="x", outputs="out")


def torch_resnet20() -> object:
    """The same network by hand."""
    from torch import Tensor, nn

    class Residual(nn.Module):
        def __init__(self, before: int, channels: int, stride: int) -> None:
            super().__init__()
            self.inside = nn.Sequential(
                nn.Conv2d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
                nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
            )  # fmt: skip
            narrow = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
            self.past = narrow if stride > 1 else nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return (self.inside(x) + self.past(x)).relu()

    widths = [(16, 16, 1)] * 3 + [(16, 32, 2), *[(32, 32, 1)] * 2] + [(32, 64, 2), *[(64, 64, 1)] * 2]
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [Residual(*width) for width in widths]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def compiled_race(rounds: int) -> None:
    """Against a loop of one eager step after the other; the compiler's own time lies in the warm-up."""
    arrays = data((64,), 512 * 32)
    contestants = [
        Contestant(BARE, bare_torch("mlp", arrays, 32, ready=True)),
        akid_contestant("akid", mlp(), arrays, 32, "torch"),
        akid_contestant("akid compiled, one step a call", mlp(), arrays, 32, "torch", compile=True, bundle=1),
        akid_contestant("akid compiled, bundled", mlp(), arrays, 32, "torch", compile=True),
    ]
    alternate(contestants, steps=640, rounds=rounds, warmup=128)
    report("mlp, batch 32, compiled", contestants, BARE, MLP_GOALS)


def compiled_resnet_race(rounds: int) -> None:
    arrays = data((3, 32, 32), 8 * 64)
    contestants = [
        Contestant(BARE, bare_torch("resnet20", arrays, 64, ready=True)),
        akid_contestant("akid", resnet20(), arrays, 64, "torch"),
        akid_contestant("akid compiled", resnet20(), arrays, 64, "torch", compile=True),
    ]
    alternate(contestants, steps=3, rounds=rounds, warmup=3)
    report("resnet-20, batch 64, compiled", contestants, BARE, RESNET_GOALS)


RACES = {"compiled": compiled_race, "compiled-resnet": compiled_resnet_race}
