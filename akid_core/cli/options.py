"""Options that several sub-commands share, and how figures are shown."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import chain
from typing import Any

from akid_core.cli.output import table


def add_description(parser: argparse.ArgumentParser) -> None:
    """CONFIG|NAME and what changes it."""
    parser.add_argument(
        "config", metavar="CONFIG|NAME", help="a file (a suffix .yaml or .yaml.j2, or a /), or the name of a recipe"
    )
    parser.add_argument("--backend", help="torch, tensorflow, numpy, or another installed backend")
    parser.add_argument("--seed", type=int, help="what all randomness starts from")
    parser.add_argument("--device", help="cpu, cuda:0, …")
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY.PATH=VALUE", action="append", default=[],
        help="change one setting, such as optimizer.learning_rate=0.1; may be repeated",
    )  # fmt: skip
    add_variables(parser)


def add_variables(parser: argparse.ArgumentParser) -> None:
    """What a template is given."""
    parser.add_argument(
        "--var", dest="variables", metavar="NAME=VALUE", action="append", default=[],
        help="give a variable to a template (.yaml.j2), such as depth=56; may be repeated",
    )  # fmt: skip


def variables(options: argparse.Namespace) -> dict[str, Any]:
    """The variables given to a template."""
    from akid_core.config.template import read_variables

    return read_variables(options.variables)


def overrides(options: argparse.Namespace) -> list[str]:
    """The changes asked for, as texts for `--set`."""
    named = {"backend": options.backend, "seed": options.seed, "execution.device": options.device}
    return [*(f"{key}={value}" for key, value in named.items() if value is not None), *options.overrides]


def add_stored(parser: argparse.ArgumentParser) -> None:
    """RUN_DIR and what of it is used."""
    parser.add_argument("run_dir", metavar="RUN_DIR", help="a directory that `akid practice` made")
    parser.add_argument("--backend", help="another backend than the run's")
    parser.add_argument("--newest", action="store_true", help="the newest checkpoint, even if the best one is tracked")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line of standard output")


def values_table(splits: Mapping[str, Mapping[str, Any]]) -> str:
    """Figures by split, one row each; those that are arrays follow, each by itself."""
    shown = {split: values for split, values in splits.items() if values}
    arrays = [(split, name, value) for split in shown for name, value in shown[split].items() if type(value) is list]
    among = {name for _, name, _ in arrays}
    names = [name for name in dict.fromkeys(chain.from_iterable(shown.values())) if name not in among]
    rows = [
        [split, *(f"{values[name]:.4f}" if name in values else "" for name in names)] for split, values in shown.items()
    ]
    return "\n".join(
        [table(["split", *names], rows), *(f"{split} {name}\n{_grid(value)}" for split, name, value in arrays)]
    )


def _grid(array: list[Any]) -> str:
    """A matrix as aligned rows; of more axes each matrix by itself, of one a single row."""
    if array and isinstance(array[0], list) and any(isinstance(item, list) for row in array for item in row):
        return "\n\n".join(map(_grid, array))
    lines = [[f"{value:.6g}" for value in row] for row in (array if isinstance(array[0], list) else [array])]
    width = max(len(text) for line in lines for text in line)
    return "\n".join("  " + "  ".join(text.rjust(width) for text in line) for line in lines)
