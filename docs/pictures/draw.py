"""Draws the pictures of the model zoo's pages: `python docs/pictures/draw.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from akid_core.graph.brain import Brain
from akid_core.plugins import default_manager
from akid_core.specs.tensor import TensorSpec

HERE = Path(__file__).parent / "zoo"

PICTURES: dict[str, tuple[dict[str, Any], int | None]] = {
    "alexnet": ({}, None),
    "all_cnn_c": ({}, None),
    "cifar_resnet20": ({}, 1),
    "conv_autoencoder": ({}, None),
    "conv_gan": ({}, None),
    "char_elman": ({}, None),
    "char_gpt": ({}, 1),
    "char_lstm": ({}, None),
    "lenet5": ({}, None),
    "maxout_mnist": ({}, None),
    "mobilenet_v2": ({}, 1),
    "resnet18": ({}, 1),
    "unet": ({}, 1),
    "vgg11": ({}, None),
    "vit": ({}, 1),
    "wide_resnet16_4": ({}, 1),
}
"""For each picture the network's settings, and how deep Systems are opened; None for all the way."""


def network(name: str) -> Brain:
    """The network of a picture."""
    made: Brain = default_manager().registry.get("brain", name)(**PICTURES[name][0])
    return made


def picture(name: str) -> str:
    """The SVG text of a picture; fields that only losses take have no shapes."""
    brain, depth = network(name), PICTURES[name][1]
    fields: dict[str, TensorSpec] = dict(brain.input_specs)
    return brain.draw(fields, depth=depth)


if __name__ == "__main__":
    for each in PICTURES:
        (HERE / f"{each}.svg").write_text(picture(each), encoding="utf-8")
