"""Kill runs of the digits recipe at random instants, resume each, and compare with an undisturbed run.

`python bench/kill_resume.py [numpy] [torch] [tensorflow] [--runs N]`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from akid_core.testing.kill import differences, killed_practice, practise

STEPS = 51
ARGUMENTS = ["digits", "--max-epochs", "3", "--set", "practice.checkpoint_every=3"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", default=["numpy", "torch", "tensorflow"])
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    for backend in options.backends:
        arguments = [*ARGUMENTS, "--backend", backend]
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder, "whole")
            figures = practise(whole, arguments)
            kills, equal = [], 0
            for seed in range(options.runs):
                run_dir = Path(folder, f"run-{seed}")
                kills.append(killed_practice(run_dir, arguments, "save" if seed % 2 else "anywhere", seed, STEPS))
                result = practise(run_dir, arguments, resume=True)
                same = all(result[split] == figures[split] for split in ("train", "val", "test"))
                found = differences(run_dir, whole)
                equal += same and not found
                if found or not same:
                    print(f"  {run_dir.name} {kills[-1]}: {found}")
        killed = sum(kill.killed for kill in kills)
        torn = sum(kill.inside_save for kill in kills)
        starts = sorted({kill.resumed_from for kill in kills}, key=lambda step: -1 if step is None else step)
        print(f"{backend}: {killed} of {len(kills)} killed, {torn} inside a save, resumed from steps {starts};")
        print(f"  {equal} equal to the undisturbed run to the bit")


if __name__ == "__main__":
    main()
