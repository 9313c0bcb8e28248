"""`akid show CONFIG|NAME`: the data and what is done to them, and the network with shapes and counts, or drawn."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from akid_core.cli.options import add_description, overrides, variables
from akid_core.cli.output import table

if TYPE_CHECKING:
    from akid_core.data.sensor import Sensor


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid show", description="Show a network: layers, shapes, parameters, data.")
    add_description(parser)
    parser.add_argument("--svg", metavar="FILE", type=Path, help="write a picture of the network, too")
    parser.add_argument(
        "--depth", metavar="N", type=int, help="in the picture, show N levels of Systems; those inside are closed"
    )
    options = parser.parse_args(arguments)
    if options.depth is not None and (options.svg is None or options.depth < 1):
        parser.error("--depth is a number of levels of at least 1, and goes with --svg")
    if options.svg is not None and options.svg.suffix != ".svg":
        parser.error(f"--svg {options.svg}: the picture is SVG, so let its name end in .svg")

    from akid_core.backends.export import draft
    from akid_core.data.source import SPLITS
    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid

    kid = Kid.from_config(*read_description(options.config, overrides(options), variables=variables(options)))
    sensors = {split: sensor for split in SPLITS if (sensor := kid.sensor(split)) is not None}
    train = kid.train_sensor
    fields = ", ".join(f"{name} {spec}" for name, spec in train.training.before.items())
    print(f"data: {fields}; rows: {', '.join(f'{split} {len(sensor)}' for split, sensor in sensors.items())}")
    if chains := _chains(train):
        print(f"{chains}\n")
    brain = kid.config.brain
    print(brain.summary(train.spec))
    if options.svg is not None:
        with draft(options.svg) as new:
            new.write_text(brain.draw(train.spec, depth=options.depth), encoding="utf-8")
        print(f"drawn in {options.svg}")
    return 0


def _chains(sensor: Sensor) -> str:
    """The augmenters in training and in evaluation; empty where there are none."""
    from akid_core.data.about import steps

    rows = [
        (when if not number else "", *row)
        for when, augmentation in (("training", sensor.training), ("evaluation", sensor.evaluation))
        for number, row in enumerate(steps(augmentation))
    ]
    return table(["augmented in", "block", "augmenter", "gives"], rows) if rows else ""
