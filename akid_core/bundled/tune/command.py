"""`akid tune TEMPLATE --space SPACE`: practise many variants of a description, and compare them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from akid_core.backends.export import draft
from akid_core.bundled.tune.check import check_space
from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.directory import TuneDirectory
from akid_core.bundled.tune.ledger import Ledger
from akid_core.bundled.tune.picture import parallel_coordinates
from akid_core.bundled.tune.results import Results
from akid_core.bundled.tune.search import make_search
from akid_core.bundled.tune.slots import Slot, make_slots
from akid_core.bundled.tune.space import SCHEMA, Space, parse_space, read_space
from akid_core.bundled.tune.tuner import Tuner
from akid_core.cli.options import add_json, add_variables, overrides, variables
from akid_core.cli.output import print_json
from akid_core.config import LocatedDict, Where
from akid_core.errors import EXIT_DONE, EXIT_FAILURE
from akid_core.training.result import EXIT_CODES, Status
from akid_core.training.signals import SignalWatch

PICTURE, TENSORBOARD = "parallel.svg", "tensorboard"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is searched, and where. `data`: what the file of the search space says, which stands at `where`."""

    directory: TuneDirectory
    description: Described
    space: Space
    data: LocatedDict
    where: Where


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    stream = sys.stderr if options.json else sys.stdout

    def say(text: str) -> None:
        print(text, file=stream, flush=True)

    asked = _stored(TuneDirectory(options.config)) if options.space is None else _new(options)
    status: Status = "done"
    if not options.report:
        slots = make_slots(options.slots, options.cores, _gpus(options.gpus), options.gpus_each)
        status = _tune(asked, slots, options.resume or options.space is None, say)
    results = _results(asked.directory)
    if options.json:
        print_json(results.to_json())
    else:
        say(results.text())
    if status != "done":
        say(f"Saved. Go on with: akid tune {asked.directory.path} --resume")
        return EXIT_CODES[status]
    return EXIT_DONE if results.best is not None else EXIT_FAILURE


def _tune(asked: _Asked, slots: list[Slot], resume: bool, say: Say) -> Status:
    """Search, and leave the results in the directory whatever happens."""
    space, search = asked.space, make_search(asked.space)
    checked = check_space(space, asked.data, asked.where, asked.description, search.prunes)
    config = {**checked.description.to_config(), "space": asked.data, "described": checked.described}
    with asked.directory as directory:
        directory.begin({"akid": SCHEMA, **config}, asked.data, asked.where, resume)
        ledger = Ledger(space, directory.journal)
        say(_beginning(asked, ledger, slots))
        tuner = Tuner(
            search, checked.description, directory, ledger, slots,
            best=checked.best, observers=checked.observers, say=say,
        )  # fmt: skip
        try:
            with SignalWatch() as signals:
                tuner.run(signals)
        finally:
            _leave_results(Results(ledger, checked.description, directory.path), say)
    return signals.status or "done"


def _beginning(asked: _Asked, ledger: Ledger, slots: list[Slot]) -> str:
    """What runs where, in a line."""
    threads, gpus = slots[0].threads, slots[0].gpus
    each = f"{threads} core{'' if threads == 1 else 's'}" + (
        f" and {len(gpus)} GPU{'s'[: len(gpus) > 1]}" if gpus else ""
    )
    repeats = f", each with the seeds {', '.join(map(str, asked.space.seeds))}" if asked.space.repeats > 1 else ""
    known = f"; {len(ledger.ended)} trials have ended before" if ledger.ended else ""
    return (
        f"{asked.description.name}: {asked.space.search.name}{repeats}; {len(slots)} at once with {each} each{known}; "
        f"directory {asked.directory.path}"
    )


def _leave_results(results: Results, say: Say) -> None:
    """Write table, picture and events."""
    folder = results.directory
    results.write()
    if results.ledger.points:
        with draft(folder / PICTURE) as new:
            new.write_text(parallel_coordinates(results.ledger), encoding="utf-8")
    if find_spec("tensorboard") is None:
        say('For TensorBoard\'s HPARAMS tab: pip install "akid-core[tune]"')
        return
    from akid_core.bundled.tune.hparams import write_hparams

    write_hparams(results.ledger, folder / TENSORBOARD)


def _results(directory: TuneDirectory) -> Results:
    """What a directory knows."""
    asked = _stored(directory)
    return Results(Ledger(asked.space, directory.journal), asked.description, directory.path)


# -- what is asked


def _new(options: argparse.Namespace) -> _Asked:
    """The search of a template and a file."""
    space, data = read_space(options.space)
    description = Described.of(options.config, variables(options), tuple(overrides(options)))
    path = Path(options.dir) if options.dir is not None else _new_directory(Path(options.config).name)
    return _Asked(
        directory=TuneDirectory(path), description=description, space=space, data=data, where=Where(place=options.space)
    )


def _stored(directory: TuneDirectory) -> _Asked:
    """The search that a directory holds."""
    config = directory.config()
    where = Where(place=str(directory.path / "tune.yaml")).at(config, "space")
    return _Asked(
        directory=directory,
        description=Described.from_config(config),
        space=parse_space(config["space"], where),
        data=config["space"],
        where=where,
    )


def _new_directory(name: str) -> Path:
    path = Path("runs") / f"tune-{name.partition('.')[0]}-{time.strftime('%Y%m%d-%H%M%S')}"
    candidates = (path.with_name(f"{path.name}-{number}") if number > 1 else path for number in count(1))
    return next(candidate for candidate in candidates if not candidate.exists())


def _gpus(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [] if text == "none" else [name.strip() for name in text.split(",")]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="akid tune",
        description="Practise variants of a description, each in a process and a run directory of its own, and compare "
        "them. In place of CONFIG|NAME, the directory of an earlier search goes on with it, or reports on it.",
    )
    parser.add_argument(
        "config", metavar="CONFIG|NAME|DIR", help="what is varied: as for akid practice; or a directory"
    )
    parser.add_argument("--backend", help="torch, tensorflow, numpy, or another installed backend")
    parser.add_argument("--device", help="cpu, cuda:0, …")
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY.PATH=VALUE", action="append", default=[],
        help="change one setting for all, such as practice.epochs=3; may be repeated",
    )  # fmt: skip
    add_variables(parser)
    parser.set_defaults(seed=None)  # the seeds are the space's
    parser.add_argument("--space", metavar="FILE", help="what varies, how it is searched, and what is compared (YAML)")
    parser.add_argument("--dir", metavar="DIR", help="for trials and results (default runs/tune-NAME-TIME)")
    parser.add_argument("--resume", action="store_true", help="go on with the search in --dir")
    parser.add_argument("--report", action="store_true", help="print what the directory of a search knows")
    parser.add_argument("--slots", type=int, metavar="N", help="trials at once (default: as many as cores or GPUs)")
    parser.add_argument("--cores", type=int, metavar="N", help="processor cores for each (default: an equal share)")
    parser.add_argument("--gpus", metavar="LIST", help="GPUs to share out, such as 0,1, or none (default: all)")
    parser.add_argument("--gpus-each", type=int, default=1, metavar="N", help="GPUs for each trial (default 1)")
    add_json(parser)
    options = parser.parse_args(arguments)
    if options.report and options.space is not None:
        parser.error("--report wants the directory of a search alone: akid tune DIR --report")
    if options.space is None and not options.report and not options.resume:
        parser.error("--space says what varies; or give the directory of a search and --resume")
    if options.space is None and (options.dir is not None or overrides(options) or options.variables):
        parser.error("a search that goes on keeps its settings: give its directory and --resume alone")
    if options.space is not None and options.resume and options.dir is None:
        parser.error("--resume wants --dir: say which search goes on")
    return options
