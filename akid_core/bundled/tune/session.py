"""Session: one call of `akid tune`, from what is asked to the results that it leaves."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from akid_core.backends.export import draft
from akid_core.bundled.tune.check import check_space
from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.directory import CONFIG, TuneDirectory
from akid_core.bundled.tune.ledger import Ledger
from akid_core.bundled.tune.picture import parallel_coordinates
from akid_core.bundled.tune.results import Results
from akid_core.bundled.tune.search import make_search
from akid_core.bundled.tune.slots import Slot
from akid_core.bundled.tune.space import SCHEMA, Space, parse_space, read_space
from akid_core.bundled.tune.tuner import Tuner
from akid_core.cli.options import overrides, variables
from akid_core.config import LocatedDict, Where
from akid_core.training.result import Status
from akid_core.training.signals import SignalWatch

PICTURE, TENSORBOARD = "parallel.svg", "tensorboard"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Session:
    """What is searched, and where. `data`: what the file of the search space says, which stands at `where`."""

    directory: TuneDirectory
    description: Described
    space: Space
    data: LocatedDict
    where: Where


def new_session(options: argparse.Namespace) -> Session:
    """The search of a description and a space, as the command line says."""
    space, data = read_space(options.space)
    description = Described.of(options.config, variables(options), tuple(overrides(options)))
    path = Path(options.dir) if options.dir is not None else _new_directory(Path(options.config).name)
    return Session(
        directory=TuneDirectory(path), description=description, space=space, data=data, where=Where(place=options.space)
    )


def stored_session(path: str) -> Session:
    """The search that a directory holds."""
    directory = TuneDirectory(path)
    config = directory.config()
    where = Where(place=str(directory.path / CONFIG)).at(config, "space")
    return Session(
        directory=directory,
        description=Described.from_config(config),
        space=parse_space(config["space"], where),
        data=config["space"],
        where=where,
    )


def tune(session: Session, slots: list[Slot], resume: bool, say: Say) -> Status:
    """Search, and leave the results in the directory whatever happens."""
    search = make_search(session.space)
    checked = check_space(session.space, session.data, session.where, session.description, search.prunes)
    config = {**checked.description.to_config(), "space": session.data, "described": checked.described}
    with session.directory as directory:
        directory.begin({"akid": SCHEMA, **config}, session.data, session.where, resume)
        ledger = Ledger(session.space, directory.journal)
        say(_beginning(session, ledger, slots))
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


def report(directory: TuneDirectory) -> Results:
    """What a directory knows."""
    session = stored_session(str(directory.path))
    return Results(Ledger(session.space, directory.journal), session.description, directory.path)


def _beginning(session: Session, ledger: Ledger, slots: list[Slot]) -> str:
    """What runs where, in a line."""
    threads, gpus = slots[0].threads, slots[0].gpus
    each = f"{threads} core{'' if threads == 1 else 's'}"
    each += f" and {len(gpus)} GPU{'' if len(gpus) == 1 else 's'}" if gpus else ""
    seeds = f", each with the seeds {', '.join(map(str, session.space.seeds))}" if session.space.repeats > 1 else ""
    known = f"; {len(ledger.ended)} trials ended before" if ledger.ended else ""
    return (
        f"{session.description.name}: points by {session.space.search.name}{seeds}; {len(slots)} at once with {each} "
        f"each{known}; directory {session.directory.path}"
    )


def _leave_results(results: Results, say: Say) -> None:
    """Write tables, the picture, and events for TensorBoard."""
    results.write()
    if not results.ledger.points:
        return
    with draft(results.directory / PICTURE) as new:
        new.write_text(parallel_coordinates(results.ledger), encoding="utf-8")
    if find_spec("tensorboard") is None:
        say('TensorBoard is not installed, so nothing is written for it: pip install "akid-core[tune]"')
        return
    from akid_core.bundled.tune.hparams import write_hparams

    write_hparams(results.ledger, results.directory / TENSORBOARD)


def _new_directory(name: str) -> Path:
    """A directory for this search; a second one within a second gets a number."""
    path = Path("runs") / f"tune-{name.partition('.')[0]}-{time.strftime('%Y%m%d-%H%M%S')}"
    candidates = (path.with_name(f"{path.name}-{number}") if number > 1 else path for number in count(1))
    return next(candidate for candidate in candidates if not candidate.exists())
