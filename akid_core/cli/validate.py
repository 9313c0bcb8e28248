"""`akid validate RUN_DIR`: losses and metrics of a run's checkpoint."""

from __future__ import annotations

import argparse

from akid_core.cli.options import add_json, values_table
from akid_core.cli.output import print_json


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid validate", description="Evaluate a run: its best checkpoint if one is tracked, else its newest."
    )
    parser.add_argument("run_dir", metavar="RUN_DIR")
    parser.add_argument("--split", choices=("train", "val", "test"), action="append", help="default: val and test")
    parser.add_argument("--backend", help="another backend than the run's")
    parser.add_argument("--newest", action="store_true", help="the newest checkpoint, even if the best one is tracked")
    add_json(parser)
    options = parser.parse_args(arguments)

    from akid_core.training.stored import kid_of_run

    kid, checkpoint = kid_of_run(options.run_dir, backend=options.backend, newest=options.newest)
    splits = {split: kid.validate(split) for split in options.split or ("val", "test")}
    if options.json:
        print_json({"checkpoint": str(checkpoint.path), "step": checkpoint.step, **splits})
    else:
        print(f"{checkpoint.path} (step {checkpoint.step}) on {kid.backend_name}")
        print(values_table(splits))
    return 0
