"""Test accuracy, time, and how long training waits for data, of recipes or files, for several seeds and backends.

`python bench/accuracy.py [RECIPE …] [--backends torch tensorflow] [--seeds N]`; each run is a process of its own. The
wait is the share of the time that training waited for data, the most of any epoch after the first, which begins with
reading the files and, where there is numba, compiling.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """What one run showed; `seconds` are of the whole process, `wait` is a share of 1."""

    accuracy: float
    seconds: float
    wait: float


def practise(config: str, backend: str, seed: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "akid_core", "practice", config, "--backend", backend, "--json"]
        settings = ["--seed", str(seed), "--run-dir", folder]
        begun = time.perf_counter()
        process = subprocess.run([*command, *settings], capture_output=True, text=True)
        seconds = time.perf_counter() - begun
    if process.returncode:
        sys.exit(process.stderr)
    waits = [float(share) for share in re.findall(r"data_wait ([\d.e-]+)", process.stderr)]
    accuracy = json.loads(process.stdout.splitlines()[-1])["test"]["accuracy"]
    return Run(accuracy, seconds, max(waits[1:], default=0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=["mnist", "fashion_mnist"])
    parser.add_argument("--backends", nargs="+", default=["torch", "tensorflow"])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(
        "| recipe | backend | "
        + " | ".join(f"seed {seed}" for seed in range(options.seeds))
        + " | mean | seconds | wait |"
    )
    print("|---" * (options.seeds + 5) + "|", flush=True)
    for recipe in options.recipes:
        for backend in options.backends:
            runs = [practise(recipe, backend, seed) for seed in range(options.seeds)]
            cells = [f"{run.accuracy:.4f}" for run in runs]
            seconds = [run.seconds for run in runs]
            cells += [
                f"{statistics.mean(run.accuracy for run in runs):.4f}",
                f"{min(seconds):.0f} to {max(seconds):.0f}",
            ]
            print(f"| {recipe} | {backend} | {' | '.join(cells)} | {max(run.wait for run in runs):.2%} |", flush=True)


if __name__ == "__main__":
    main()
