"""`akid validate RUN_DIR`: losses and metrics of a run's checkpoint."""

from __future__ import annotations

import argparse

from akid_core.cli.options import add_json, add_stored, values_table
from akid_core.cli.output import print_json


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid validate", description="Evaluate a run: its best checkpoint if one is tracked, else its newest."
    )
    add_stored(parser)
    parser.add_argument("--split", choices=("train", "val", "test"), action="append", help="default: val and test")
    add_json(parser)
    options = parser.parse_args(arguments)

    from akid_core.errors import DataError
    from akid_core.training.stored import kid_of_run

    kid, checkpoint = kid_of_run(options.run_dir, backend=options.backend, newest=options.newest)
    for split in options.split or ():
        if kid.sensor(split) is None:
            raise DataError(f"The source of {options.run_dir} has no split '{split}'.")
    splits = {split: kid.validate(split) for split in options.split or ("val", "test")}
    if options.json:
        print_json({"checkpoint": str(checkpoint.path), "step": checkpoint.step, **splits})
    else:
        print(f"{checkpoint.path} (step {checkpoint.step}) on {kid.backend_name}")
        print(values_table(splits))
    return 0
