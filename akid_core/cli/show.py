"""`akid show CONFIG|NAME`: the data and what is done to them, and the network with shapes and counts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from akid_core.cli.options import add_description, overrides, variables
from akid_core.cli.output import table

if TYPE_CHECKING:
    from akid_core.data.sensor import Sensor


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid show", description="Show a network: layers, shapes, parameters, data.")
    add_description(parser)
    options = parser.parse_args(arguments)

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
    print(kid.config.brain.summary(train.spec))
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
