"""`akid find-rate CONFIG|NAME`: which learning rate to train with."""

from __future__ import annotations

import argparse

from akid_core.cli.options import add_description, add_json, overrides, variables
from akid_core.cli.output import print_json, table

ROWS = 20
"""How many rates the table shows."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="akid find-rate",
        description="Train for some steps at rising learning rates, and see where the loss falls.",
    )
    add_description(parser)
    parser.add_argument("--lowest", type=float, default=1e-7, metavar="RATE", help="where to begin (default 1e-7)")
    parser.add_argument("--highest", type=float, default=1.0, metavar="RATE", help="where to end (default 1)")
    parser.add_argument("--steps", type=int, default=100, metavar="N", help="how many rates (default 100)")
    add_json(parser)
    options = parser.parse_args(arguments)

    from akid_core.training.description import read_description
    from akid_core.training.kid import Kid

    kid = Kid.from_config(*read_description(options.config, overrides(options), variables=variables(options)))
    found = kid.find_learning_rate(lowest=options.lowest, highest=options.highest, steps=options.steps)
    columns = {"rate": found.rates, "loss": found.losses, "smoothed": found.smoothed}
    if options.json:
        print_json({**{name: values.tolist() for name, values in columns.items()}, "suggestion": found.suggestion})
        return 0
    rows = list(zip(*(values.tolist() for values in columns.values()), strict=True))
    print(table(list(columns), [[f"{value:.4g}" for value in row] for row in rows[:: -(-len(rows) // ROWS) or 1]]))
    if found.suggestion is None:
        print("The loss does not fall at any of these rates: try others, or look at the data.")
    else:
        print(f"The loss falls fastest at {found.suggestion:.2g}: --set optimizer.learning_rate={found.suggestion:.2g}")
        if found.suggestion == found.rates[-1] and len(found.rates) == options.steps:
            print(f"That is the highest rate that was tried: look further with --highest {10 * options.highest:g}")
    return 0
