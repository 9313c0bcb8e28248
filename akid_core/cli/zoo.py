"""`akid zoo`: the recipes and brains that the installed plugins bring; the layers, and where they run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from akid_core.cli.output import print_json, table
from akid_core.plugins import Registry, default_manager


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid zoo", description="List recipes (akid practice NAME) and ready brains.")
    parser.add_argument("--layers", action="store_true", help="list layers, and how each backend runs them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON list")
    form.add_argument("--markdown", action="store_true", help="with --layers, print a table in Markdown")
    options = parser.parse_args(arguments)
    if options.markdown and not options.layers:
        parser.error("--markdown goes with --layers")
    registry = default_manager().registry
    if options.layers:
        _print_layers(registry, options)
    else:
        _print_ready(registry, options)
    return 0


def _print_ready(registry: Registry, options: argparse.Namespace) -> None:
    rows = [
        {"name": item.info.name, "category": category, "summary": item.info.summary, "from": str(item.provider)}
        for category in ("recipe", "brain")
        for item in registry.infos(category)
    ]
    if options.json or rows:
        _print(rows, options)
    else:
        print("No recipe is installed. Try: pip install akid-datasets")


def _print_layers(registry: Registry, options: argparse.Namespace) -> None:
    from akid_core.cli.support import markdown, support

    rows = support(registry)
    if options.markdown:
        print(markdown(rows))
    elif options.json:
        print_json([row.to_json() for row in rows])
    else:
        _print([{"layer": row.layer, **row.backends, "from": row.provider} for row in rows], options)


def _print(rows: Sequence[dict[str, Any]], options: argparse.Namespace) -> None:
    if options.json:
        print_json(rows)
    else:
        print(table(list(rows[0]), [list(row.values()) for row in rows]))
