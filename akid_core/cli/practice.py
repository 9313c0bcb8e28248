"""`akid practice CONFIG|NAME`: train."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from akid_core.cli.options import add_description, add_json, overrides, values_table, variables
from akid_core.cli.output import print_json

if TYPE_CHECKING:
    from akid_core.cli.console import Console
    from akid_core.training.result import PracticeResult


def main(arguments: list[str]) -> int:
    options = _options(arguments)

    from akid_core.cli.console import Console
    from akid_core.training.result import EXIT_CODES, Interrupted

    run_dir = (
        Path(options.run_dir)
        if options.run_dir is not None
        else _new_run_dir(Path(options.config.removesuffix(".j2")).stem)
    )
    console = Console(title=options.config, stream="stderr" if options.json else "stdout")
    try:
        result = _practise(options, run_dir, console)
    except Interrupted as interruption:
        result = interruption.result
        console.say(f"Saved. Go on with: akid practice {run_dir}/config.yaml --run-dir {run_dir} --resume")
    except BaseException as error:
        if options.json:
            print_json(console.failure(error))
        raise
    if options.json:
        print_json(result.to_json())
    else:
        console.say(f"{result.status} after {result.epoch} epochs ({result.step} steps) in {result.seconds:.1f} s")
        console.say(values_table({"train": result.train, "val": result.val, "test": result.test}))
    return EXIT_CODES[result.status]


def _practise(options: argparse.Namespace, run_dir: Path, console: Console) -> PracticeResult:
    """Practise with progress on the console's stream, so that JSON has standard output for itself."""
    from akid_core.observers.progress import Progress
    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid

    kid = Kid.from_config(*read_description(options.config, overrides(options), variables=variables(options)))
    listed = [
        replace(observer, stream=console.stream) if isinstance(observer, Progress) else observer
        for observer in kid.observers
    ]
    shown = [] if any(isinstance(observer, Progress) for observer in listed) else [Progress(stream=console.stream)]
    kid.observers = (console, *listed, *shown)
    return kid.practice(
        run_dir=run_dir, resume=options.resume, max_epochs=options.max_epochs, max_steps=options.max_steps
    )


def _new_run_dir(name: str) -> Path:
    """A directory for this start; a second one within a second gets a number."""
    path = Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    candidates = (path.with_name(f"{path.name}-{number}") if number > 1 else path for number in count(1))
    return next(candidate for candidate in candidates if not candidate.exists())


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="akid practice", description="Practise what a YAML file or a recipe describes."
    )
    add_description(parser)
    parser.add_argument("--max-epochs", type=int, metavar="N", help="stop after N epochs in all")
    parser.add_argument("--max-steps", type=int, metavar="N", help="stop after N steps in all")
    parser.add_argument("--run-dir", metavar="DIR", help="for configuration and checkpoints (default runs/NAME-TIME)")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint in --run-dir")
    add_json(parser)
    options = parser.parse_args(arguments)
    if options.run_dir == "":
        parser.error("--run-dir is empty: is a variable of the shell not set?")
    if options.resume and options.run_dir is None:
        parser.error("--resume wants --run-dir: say which run goes on")
    return options
