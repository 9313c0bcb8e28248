"""`akid data list|fetch|info|check|show`: the data sets that the installed plugins bring."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from akid_core.cli.options import add_variables, variables
from akid_core.cli.output import print_json, table
from akid_core.errors import DataError, MissingFilesError, whole
from akid_core.plugins import default_manager


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid data", description="List, fetch and look at data sets.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|fetch|info|check|show")
    listing = commands.add_parser("list", help="the sources that are installed")
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    for name, text in (
        ("fetch", "download what a source needs"),
        ("info", "what is known of a source"),
        ("check", "read every row, and list those that cannot be read"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("source", metavar="SOURCE|CONFIG", help="its name, see akid data list, or a file")
        _add_settings(command, "settings of the source, such as val=0; may be repeated")
        if name == "info":
            command.add_argument("--json", action="store_true", help="print one JSON object")
    showing = commands.add_parser("show", help="pictures of rows as a run sees them, as a PNG file")
    showing.add_argument("config", metavar="CONFIG|RECIPE|SOURCE", help="whose rows, with its augmenters")
    _add_settings(showing, "a setting of the source, such as val=0, or of the run: sensors.augment=[flip]; repeatable")
    showing.add_argument("--split", choices=("train", "val", "test"), default="train")
    showing.add_argument("--rows", type=int, default=8, help="how many rows; by default 8")
    showing.add_argument("--epochs", type=int, default=6, help="in how many epochs each row is shown; by default 6")
    showing.add_argument("--field", help="the field with the pictures; by default the first")
    showing.add_argument("--output", default="sheet.png", help="the file to write; by default sheet.png")
    options = parser.parse_args(arguments)
    run = {"list": _list, "fetch": _fetch, "info": _info, "check": _check, "show": _show}
    return run[options.command](options)


def _add_settings(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[], help=text)
    add_variables(parser)


def _list(options: argparse.Namespace) -> int:
    rows = [
        {"name": item.info.name, "summary": item.info.summary, "from": str(item.provider)}
        for item in default_manager().registry.infos("source")
    ]
    if options.json:
        print_json(rows)
    else:
        print(table(["name", "summary", "from"], [list(row.values()) for row in rows]))
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from akid_core.cli.data_named import named_source

    source = named_source(options.source, options.overrides, variables(options))
    source.fetch()
    folder = source.about().get("folder")
    print(f"{options.source}: all is here{f', in {folder}' if folder else ''}")
    return 0


def _info(options: argparse.Namespace) -> int:
    from akid_core.data.place import without_downloads

    with without_downloads():  # to know is not to fetch
        known = _known(options.source, options.overrides, variables(options))
    if options.json:
        print_json(known)
        return 0
    for name, value in known.items():
        entries = [f"{key} {entry}" for key, entry in value.items()] if isinstance(value, dict) else value
        print(f"{name}: {entries if isinstance(entries, str) else ', '.join(entries)}")
    return 0


def _known(name: str, settings: Sequence[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the source of this name, by heading."""
    from akid_core.cli.data_named import named_source
    from akid_core.data.source import SPLITS

    source = named_source(name, settings, variables)
    known: dict[str, Any] = {"name": name, **source.about()}
    try:
        known["fields"] = {field: str(spec) for field, spec in source.spec.items()}
        known["rows"] = {split: len(replace(source, split=split)) for split in SPLITS}
        source.fetch()
    except MissingFilesError as error:
        fetching = shlex.join(["akid", "data", "fetch", name, *(f"--set={setting}" for setting in settings)])
        known["missing"] = f"{', '.join(error.files)}; to download: {fetching}"
    except DataError as error:
        known["missing"] = whole(error)
    return known


def _check(options: argparse.Namespace) -> int:
    from akid_core.cli.data_check import check

    return check(options)


def _show(options: argparse.Namespace) -> int:
    from akid_core.cli.data_show import show

    return show(options)
