"""`akid show CONFIG|NAME`: the network with shapes and counts, and the data it is for."""

from __future__ import annotations

import argparse

from akid_core.cli.options import add_description, overrides


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid show", description="Show a network: layers, shapes, parameters, data.")
    add_description(parser)
    options = parser.parse_args(arguments)

    from akid_core.data.source import SPLITS
    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid

    kid = Kid.from_config(*read_description(options.config, overrides(options)))
    sensors = {split: sensor for split in SPLITS if (sensor := kid.sensor(split)) is not None}
    fields = ", ".join(f"{name} {spec}" for name, spec in kid.train_sensor.spec.items())
    print(f"data: {fields}; rows: {', '.join(f'{split} {len(sensor)}' for split, sensor in sensors.items())}")
    print(kid.config.brain.summary(kid.train_sensor.spec))
    return 0
