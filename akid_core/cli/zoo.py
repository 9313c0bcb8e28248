"""`akid zoo`: the recipes and brains that the installed plugins bring; the layers, and where they run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from akid_core.cli.output import print_json, table
from akid_core.plugins import Provided, Registry, default_manager


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
    from akid_core.cli.networks import networks

    recipes, brains = registry.infos("recipe"), networks(registry)
    if options.json:
        print_json([*map(_recipe, recipes), *(brain.to_json() for brain in brains)])
        return
    if recipes:
        _print([{"recipe": item.info.name, "summary": item.info.summary, "from": item.provider} for item in recipes])
    else:
        print("No recipe is installed. Try: pip install akid-datasets")
    if brains:
        print()
        _print([brain.row for brain in brains])


def _recipe(item: Provided) -> dict[str, Any]:
    return {"name": item.info.name, "category": "recipe", "summary": item.info.summary, "from": str(item.provider)}


def _print_layers(registry: Registry, options: argparse.Namespace) -> None:
    from akid_core.cli.support import markdown, support

    rows = support(registry)
    if options.markdown:
        print(markdown(rows))
    elif options.json:
        print_json([row.to_json() for row in rows])
    else:
        _print([{"layer": row.layer, **row.backends, "from": row.provider} for row in rows])


def _print(rows: Sequence[dict[str, Any]]) -> None:
    print(table(list(rows[0]), [list(row.values()) for row in rows]))
