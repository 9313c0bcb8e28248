"""`akid tune CONFIG|NAME --space SPACE`: practise many variants of a description, and compare them."""

from __future__ import annotations

import argparse
import sys

from akid_core.cli.options import add_json, add_variables, overrides
from akid_core.cli.output import print_json
from akid_core.errors import EXIT_DONE, EXIT_FAILURE


def main(arguments: list[str]) -> int:
    options = _options(arguments)

    from akid_core.bundled.tune.session import new_session, report, stored_session, tune
    from akid_core.bundled.tune.slots import make_slots
    from akid_core.training.result import EXIT_CODES, Status

    def say(text: str) -> None:
        print(text, file=sys.stderr if options.json else sys.stdout, flush=True)

    session = stored_session(options.config) if options.space is None else new_session(options)
    status: Status = "done"
    if not options.report:
        slots = make_slots(options.slots, options.cores, _gpus(options.gpus), options.gpus_each)
        status = tune(session, slots, options.resume, say)
    results = report(session.directory)
    if options.json:
        print_json(results.to_json())
    else:
        say(results.text())
    if status != "done":
        say(f"Saved. Go on with: akid tune {session.directory.path} --resume")
        return EXIT_CODES[status]
    return EXIT_DONE if results.best is not None else EXIT_FAILURE


def _gpus(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [] if text == "none" else [name.strip() for name in text.split(",")]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="akid tune",
        description="Practise variants of a description, each in a process and a run directory of its own, and compare "
        "them. The directory of an earlier search in place of CONFIG|NAME goes on with it, or reports on it.",
    )
    parser.add_argument(
        "config", metavar="CONFIG|NAME|DIR", help="what is varied, as for akid practice; or an earlier search"
    )
    parser.add_argument("--space", metavar="FILE", help="what varies, how it is searched, and what is compared (YAML)")
    parser.add_argument("--backend", help="torch, tensorflow, numpy, or another installed backend")
    parser.add_argument("--device", help="cpu, cuda:0, …")
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY.PATH=VALUE", action="append", default=[],
        help="change one setting of all trials, such as practice.epochs=3; may be repeated",
    )  # fmt: skip
    add_variables(parser)
    parser.set_defaults(seed=None)  # the seeds are the space's
    parser.add_argument("--dir", metavar="DIR", help="for trials and results (default runs/tune-NAME-TIME)")
    parser.add_argument("--resume", action="store_true", help="go on with the search in --dir, or in DIR")
    parser.add_argument("--report", action="store_true", help="print what the search in DIR found so far")
    parser.add_argument("--slots", type=int, metavar="N", help="trials at once (default: as there are cores, or GPUs)")
    parser.add_argument("--cores", type=int, metavar="N", help="processor cores for each (default: an equal share)")
    parser.add_argument("--gpus", metavar="LIST", help="GPUs to share out, such as 0,1, or none (default: all)")
    parser.add_argument("--gpus-each", type=int, default=1, metavar="N", help="GPUs for each trial (default 1)")
    add_json(parser)
    options = parser.parse_args(arguments)
    if options.dir == "":
        parser.error("--dir is empty: is a variable of the shell not set?")
    if options.space is not None and options.report:
        parser.error("--report wants the directory of a search alone: akid tune DIR --report")
    if options.space is not None and options.resume and options.dir is None:
        parser.error("--resume wants --dir: say which search goes on")
    if options.space is None and not (options.report or options.resume):
        parser.error("--space says what varies; an earlier search goes on with akid tune DIR --resume")
    if options.space is None and (options.dir is not None or overrides(options) or options.variables):
        parser.error("an earlier search keeps its settings: give its directory and --resume or --report alone")
    return options
