"""Parity: random configurations of every family of layers, float32 on a backend against float64 on the referee.

    python bench/parity.py [--backend torch --backend tensorflow] [--count 300] [--family conv] [--seed 0]

Prints, for each layer, the largest error of values and of gradients (with new state) as ratios of norms, and ends with
exit code 1 where one is above its goal, 1e-5 and 1e-4.
"""

from __future__ import annotations

import argparse
import sys
import time

from akid_core.cli.output import table
from akid_core.plugins import default_manager
from akid_core.testing.draw import FAMILIES
from akid_core.testing.sweep import Sweep, sweep

CHUNK = {"tensorflow": 25}
"""How many configurations are one network; a larger one takes longer to trace than it saves."""


def lines(family: str, found: Sweep) -> list[list[str]]:
    """A line for each layer."""
    forward, gradient = found.worst(found.forward), found.worst(found.gradient)
    return [
        [family, layer, str(worst.trials), f"{worst.error:.1e}", f"{gradient[layer].error:.1e}"]
        for layer, worst in sorted(forward.items())
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=default_manager().registry.names("backend"))
    parser.add_argument("--family", action="append", choices=list(FAMILIES))
    parser.add_argument("--count", type=int, default=300, help="configurations of each family")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    missed = 0
    for name in options.backend or ("torch", "tensorflow"):
        backend = default_manager().registry.get("backend", name)()
        rows, begun = [], time.perf_counter()
        for family in options.family or FAMILIES:
            found = sweep(backend, family, options.count, seed=options.seed, chunk=CHUNK.get(name, 50))
            rows += lines(family, found)
            for what, error in found.failures().items():
                print(f"{name}: {error:.1e} {what}", file=sys.stderr)
                missed += 1
        print(f"\n{name}: {options.count} configurations of each family, {time.perf_counter() - begun:.0f} s\n")
        print(table(["family", "layer", "trials", "forward", "gradient"], rows))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
