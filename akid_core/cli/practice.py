"""`akid practice CONFIG|NAME`: train."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from akid_core.cli.options import add_description, add_json, overrides, values_table
from akid_core.cli.output import print_json


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="akid practice", description="Practise what a YAML file or a recipe describes.")
    add_description(made)
    made.add_argument("--max-epochs", type=int, metavar="N", help="stop after N epochs in all")
    made.add_argument("--max-steps", type=int, metavar="N", help="stop after N steps in all")
    made.add_argument("--run-dir", metavar="DIR", help="where configuration and checkpoints go (default runs/NAME-TIME)")
    made.add_argument("--resume", action="store_true", help="continue from the newest checkpoint in --run-dir")
    add_json(made)
    return made


def main(arguments: list[str]) -> int:
    made = parser()
    options = made.parse_args(arguments)
    if options.resume and options.run_dir is None:
        made.error("--resume wants --run-dir: say which run goes on")

    from akid_core.observers.progress import Progress
    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid
    from akid_core.training.result import EXIT_CODES, Interrupted

    config, manager = read_description(options.config, overrides(options))
    kid = Kid.from_config(config, manager)
    if not any(isinstance(observer, Progress) for observer in kid.observers):
        kid.observers = (*kid.observers, Progress(stream="stderr" if options.json else "stdout"))
    run_dir = Path(options.run_dir or f"runs/{Path(options.config).stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    talk = sys.stderr if options.json else sys.stdout
    chosen = "" if config.backend else " (the installed one of highest priority)"
    print(f"Practising {options.config} on {kid.backend_name}{chosen}, run directory {run_dir}", file=talk, flush=True)
    try:
        result = kid.practice(
            run_dir=run_dir, resume=options.resume, max_epochs=options.max_epochs, max_steps=options.max_steps
        )
    except Interrupted as interruption:
        result = interruption.result
        print(f"Saved. Go on with: akid practice {options.config} --run-dir {run_dir} --resume", file=talk)
    if options.json:
        print_json(result.to_json())
    else:
        print(f"{result.status} after {result.epoch} epochs ({result.step} steps) in {result.seconds:.1f} s")
        print(values_table({"train": result.train, "val": result.val, "test": result.test}))
    return EXIT_CODES[result.status]
