"""`akid render CONFIG|NAME`: the YAML that comes out of a template, checked."""

from __future__ import annotations

import argparse
from pathlib import Path

from akid_core.cli.check import checked
from akid_core.cli.options import add_description, overrides, variables
from akid_core.cli.output import table


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid render",
        description="Print the YAML that a template (.yaml.j2) gives, once all of it is checked as by akid check.",
    )
    add_description(parser)
    parser.add_argument("--output", metavar="FILE", type=Path, help="write it to a file instead")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--no-check", dest="check", action="store_false", help="print it even where it is wrong")
    form.add_argument("--variables", dest="list", action="store_true", help="list the template's variables instead")
    options = parser.parse_args(arguments)
    if options.list:
        _list(options.config)
        return 0
    if options.check:
        checked(options)
    text = _text(options)
    if options.output is None:
        print(text, end="")
        return 0

    from akid_core.backends.export import draft

    with draft(options.output) as new:
        new.write_text(text, encoding="utf-8")
    print(f"wrote {options.output}")
    return 0


def _text(options: argparse.Namespace) -> str:
    """As the template gives it; where settings are changed, the whole as akid writes it."""
    from akid_core.config import dump_yaml
    from akid_core.training.description import description_text, read_data

    changes = overrides(options)
    if not changes:
        return description_text(options.config, variables(options))
    data, _ = read_data(options.config, changes, variables(options))
    return dump_yaml(data)


def _list(name: str) -> None:
    from akid_core.training.description import description_template

    template = description_template(name)
    known = template.variables() if template is not None else {}
    if not known:
        print(f"{name} has no variables.")
        return
    print(
        table(["variable", "default"], [[variable, default or "must be given"] for variable, default in known.items()])
    )
