"""`akid check CONFIG|NAME`: read and check a description whole, without training."""

from __future__ import annotations

import argparse

from akid_core.cli.options import add_description, overrides


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid check", description="Check a description: keys, types, names, wiring, and shapes against the data."
    )
    add_description(parser)
    options = parser.parse_args(arguments)

    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid

    config, manager = read_description(options.config, overrides(options))
    kid = Kid.from_config(config, manager)
    graph = kid.graph
    weights = sum(spec.size for spec in graph.params.values() if spec.trained)
    print(f"{options.config} is sound: {len(graph.calls)} layers, {weights:,} trained values, backend {kid.backend_name}.")
    return 0
