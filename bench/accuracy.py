"""Test accuracy, time, and how long training waits for data, of recipes or files, for several seeds and backends.

`python bench/accuracy.py [RECIPE …] [--backends torch tensorflow] [--seeds N]`; each run is a process of its own. The
wait is the share of the time, from the end of the first step to that of the last, in which the reader of the run let
training wait; all that happens once, such as reading files and compiling, is over by then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from akid_core.data.prefetch import Reader
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl
from akid_core.training.description import read_description
from akid_core.training.kid import Kid


@dataclass(frozen=True)
class Run:
    """What one run showed; `seconds` are of the whole process, `wait` is a share of 1."""

    accuracy: float
    seconds: float
    wait: float


@dataclass(frozen=True, kw_only=True)
class Waits(Observer):
    """Keeps, of the end of the first step and of each span after it, the time and the seconds waited until then."""

    readers: list[Reader] = field(default_factory=list)
    ends: list[tuple[float, float]] = field(default_factory=list)

    def watch(self, kid: Kid) -> None:
        """Look at the reader of the spans that `kid` will train on."""
        spans = kid.train_sensor.spans

        def watched(plan: object) -> Reader:
            self.readers.append(spans(plan))
            return self.readers[-1]

        kid.train_sensor.spans = watched
        kid.observers = (*kid.observers, self)

    def next_look(self, step: int) -> int | None:
        return 1 if step < 1 else None

    @hookimpl
    def akid_span_end(self, context: Moment) -> None:
        self.ends.append((time.perf_counter(), self.readers[-1].waited))

    def share(self) -> float:
        """How much of the time was waited. Ends the program where nothing was seen of it."""
        if len(self.ends) < 2:
            sys.exit(f"the run ended after {len(self.ends)} spans, so there is no time to wait in")
        (begun, before), (ended, after) = self.ends[0], self.ends[-1]
        return (after - before) / (ended - begun)


def practise(config: str, backend: str, seed: int) -> tuple[float, float]:
    """The test accuracy of one run, and the share of the time that it waited for data."""
    kid, waits = Kid.from_config(*read_description(config, [f"backend={backend}", f"seed={seed}"])), Waits()
    waits.watch(kid)
    with tempfile.TemporaryDirectory() as folder:
        result = kid.practice(run_dir=folder)
    return result.test["accuracy"], waits.share()


def measured(config: str, backend: str, seed: int) -> Run:
    begun = time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        accuracy, wait = process.submit(practise, config, backend, seed).result()
    return Run(accuracy, time.perf_counter() - begun, wait)


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
            runs = [measured(recipe, backend, seed) for seed in range(options.seeds)]
            cells = [f"{run.accuracy:.4f}" for run in runs]
            seconds = [run.seconds for run in runs]
            cells += [
                f"{statistics.mean(run.accuracy for run in runs):.4f}",
                f"{min(seconds):.0f} to {max(seconds):.0f}",
            ]
            print(f"| {recipe} | {backend} | {' | '.join(cells)} | {max(run.wait for run in runs):.2%} |", flush=True)


if __name__ == "__main__":
    main()
