"""`akid zoo`: the recipes and brains that the installed plugins bring."""

from __future__ import annotations

import argparse

from akid_core.cli.output import print_json, table
from akid_core.plugins import default_manager


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="akid zoo", description="List recipes (akid practice NAME) and ready brains.")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    options = parser.parse_args(arguments)
    registry = default_manager().registry
    rows = [
        {"name": item.info.name, "category": category, "summary": item.info.summary, "from": str(item.provider)}
        for category in ("recipe", "brain")
        for item in registry.infos(category)
    ]
    if options.json:
        print_json(rows)
    elif rows:
        print(table(list(rows[0]), [list(row.values()) for row in rows]))
    else:
        print("No recipe is installed. Try: pip install akid-datasets")
    return 0
