"""Options that several sub-commands share."""

from __future__ import annotations

import argparse
from typing import Any


def add_description(parser: argparse.ArgumentParser) -> None:
    """CONFIG|NAME and what changes it."""
    parser.add_argument("config", metavar="CONFIG|NAME", help="a YAML file (a suffix .yaml or a /), or the name of a recipe")
    parser.add_argument("--backend", help="torch, tensorflow, numpy, or another installed backend")
    parser.add_argument("--seed", type=int, help="what all randomness starts from")
    parser.add_argument("--device", help="cpu, cuda:0, …")
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY.PATH=VALUE", action="append", default=[],
        help="change one setting, such as optimizer.learning_rate=0.1; may be repeated",
    )  # fmt: skip


def overrides(options: argparse.Namespace) -> list[str]:
    """The changes asked for, as texts for `--set`."""
    named = {"backend": options.backend, "seed": options.seed, "execution.device": options.device}
    return [*(f"{key}={value}" for key, value in named.items() if value is not None), *options.overrides]


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of standard output")


def values_table(splits: dict[str, dict[str, Any]]) -> str:
    """Figures by split, one row each."""
    from akid_core.cli.output import table

    shown = {split: values for split, values in splits.items() if values}
    names = list(dict.fromkeys(name for values in shown.values() for name in values))
    rows = [[split, *(f"{values[name]:.4f}" if name in values else "" for name in names)] for split, values in shown.items()]
    return table(["split", *names], rows)
