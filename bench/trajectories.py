"""Trajectories: a small residual network with batch norm, trained by each optimizer on each backend.

    python bench/trajectories.py [--steps 100]

In float64, against NumPy: the largest relative difference of a loss over all steps, and that of the outputs after them
(goal 1e-8). In float32, against NumPy in float64: of the first 10 losses (goal 1e-4). Longer float32 trajectories drift
apart within one framework, too. Ends with exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import sys

from akid_core.cli.output import table
from akid_core.plugins import default_manager
from akid_core.testing.referee import referee
from akid_core.testing.trajectories import residual_network, trajectory

RATES = {"rmsprop": 1e-4, "lion": 1e-4}
"""Where 1e-2, the rate of the others, is too much."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--backend", action="append", default=None)
    options = parser.parse_args()
    registry, missed, rows = default_manager().registry, 0, []
    exact, single = residual_network("float64"), residual_network("float32")
    for optimizer in registry.names("optimizer"):
        make, rate = registry.get("optimizer", optimizer), RATES.get(optimizer, 1e-2)
        wanted = trajectory(referee(), exact, make(), rate, options.steps)
        short = trajectory(referee(), exact, make(), rate, 10)
        for name in options.backend or ("torch", "tensorflow"):
            backend = registry.get("backend", name)()
            long = trajectory(backend, exact, make(), rate, options.steps)
            begin = trajectory(backend, single, make(), rate, 10)
            errors = (long.loss_error(wanted), long.output_error(wanted), begin.loss_error(short))
            missed += sum(not error <= goal for error, goal in zip(errors, (1e-8, 1e-8, 1e-4), strict=True))
            rows.append([optimizer, f"{rate:g}", name, *(f"{error:.1e}" for error in errors)])
    heads = ["optimizer", "rate", "backend", f"losses of {options.steps}", "outputs", "float32 losses of 10"]
    print(table(heads, rows))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
