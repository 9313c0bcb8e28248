"""`akid check CONFIG|NAME`: read and check a description whole, without training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from akid_core.cli.options import add_description, overrides, variables

if TYPE_CHECKING:
    from akid_core.training.kid import Kid


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid check",
        description="Check a description: keys, types, names, wiring, shapes, and whether the backend can run it.",
    )
    add_description(parser)
    options = parser.parse_args(arguments)
    kid = checked(options)
    layers, weights = len(kid.graph.calls), sum(spec.size for spec in kid.graph.params.values() if spec.trained)
    print(f"{options.config} is sound: {layers} layers, {weights:,} trained values, backend {kid.backend_name}.")
    return 0


def checked(options: argparse.Namespace) -> Kid:
    """The Kid that a description makes, when all of it that can be checked without training is sound."""
    from akid_core.training.check import check
    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid

    kid = Kid.from_config(*read_description(options.config, overrides(options), variables=variables(options)))
    check(kid)
    kid.registry.info("strategy", kid.plan.strategy, kid.backend_name)
    if kid.config.practice.starts:
        _ = kid.network  # which takes what it starts from
    return kid
