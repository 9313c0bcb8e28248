"""Accuracy and time of `akid practice digits`, and of the README's example, for several seeds and backends.

`python bench/digits.py [torch] [tensorflow] [numpy] [--seeds N]`; each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "digits.yaml"


def practise(config: str, backend: str, seed: int) -> tuple[float, float]:
    """Test accuracy, and the seconds of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "akid_core", "practice", config, "--backend", backend, "--json"]
        settings = ["--seed", str(seed), "--run-dir", folder]
        process = subprocess.run([*command, *settings], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - begun
    return json.loads(process.stdout.splitlines()[-1])["test"]["accuracy"], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", default=["torch", "tensorflow", "numpy"])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for config in ("digits", str(EXAMPLE)):
        for backend in options.backends:
            accuracies, seconds = zip(*(practise(config, backend, seed) for seed in range(options.seeds)), strict=True)
            shown = " ".join(f"{accuracy:.4f}" for accuracy in accuracies)
            print(
                f"{Path(config).name:12} {backend:10} test accuracy {shown}, mean {statistics.mean(accuracies):.4f};"
                f" whole process {min(seconds):.1f} to {max(seconds):.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
