"""How long an epoch takes to begin, and what its order costs in memory, over a million small rows.

Run it with `python bench/epoch_start.py [--rows N] [--repeats N]`. For each sampler: making the Sensor (labels and
weights are read then), and the first batch of an epoch that was not looked at before, by wall clock, as median and
largest of the repeats; the memory that is held afterwards and the most there was meanwhile, beside the rows. Then a Kid
from its settings to the first span. The goal is 50 ms.
"""
# ruff: noqa: E402  (the number of threads is read when NumPy is imported)

from __future__ import annotations

import argparse
import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

import akid_core as akid
from akid_core import layers as L
from akid_core.data import (
    ArraySource,
    Mixed,
    Repeated,
    Sampler,
    Sensor,
    Sequential,
    Shuffled,
    Source,
    Stratified,
    Streams,
    Subset,
    Weighted,
    Windowed,
)

BATCH = 128
CLASSES = 1000
SAMPLERS: tuple[Sampler, ...] = (
    Sequential(),
    Shuffled(),
    Windowed(),
    Streams(count=BATCH),
    Repeated(times=3),
    Stratified(),
    Weighted(),
    Weighted(field="weight"),
    Weighted(balance="label"),
)


def source(rows: int) -> Source:
    random = np.random.default_rng(0)
    fields = {
        "x": random.standard_normal((rows, 4)).astype(np.float32),
        "label": random.integers(0, CLASSES, rows),
        "weight": random.uniform(size=rows).astype(np.float32),
    }
    return ArraySource(data={"train": fields})


def milliseconds(work: Callable[[int], object], repeats: int) -> str:
    taken = []
    for number in range(repeats):
        begun = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - begun) * 1e3)
    return f"{statistics.median(taken):8.2f} {max(taken):8.2f}"


def memory(made: Callable[[], Sensor]) -> str:
    """MiB held by a Sensor that gave a batch, and the most there was meanwhile."""
    tracemalloc.start()
    sensor = made()
    first(sensor, 0)
    held, most = (size / 2**20 for size in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    return f"{held:8.2f} {most:8.2f}"


def first(sensor: Sensor, epoch: int) -> None:
    """The first batch of an epoch, as a run gets it."""
    with sensor.spans([(epoch * sensor.steps_per_epoch, 1)]) as spans:
        next(spans)


def row(name: str, source: Source, sampler: Sampler | None, repeats: int) -> None:
    def made() -> Sensor:
        return Sensor(source, batch_size=BATCH, sampler=sampler or source.order() or Shuffled())

    sensor = made()
    first(sensor, 0)
    begin = milliseconds(lambda number: made(), repeats)
    epoch = milliseconds(lambda number: first(sensor, number + 1), repeats)
    print(f"{name:44} {begin}   {epoch}   {memory(made)}")


def kid(source: Source) -> akid.Kid:
    brain = akid.Brain.sequential(L.Dense(units=CLASSES, name="logits"), inputs="x", outputs="logits")
    return akid.Kid(
        brain=brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label"),
        sensors=akid.sensors(source, batch_size=BATCH),
        practice=akid.Practice(epochs=1),
        backend="numpy",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10**6)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    data = source(options.rows)
    print(f"{options.rows:,} rows, batches of {BATCH}, {options.repeats} repeats")
    print(f"{'':44} {'Sensor, ms':>17}   {'first batch, ms':>17}   {'memory, MiB':>17}")
    print(f"{'':44} {'median':>8} {'largest':>8}   {'median':>8} {'largest':>8}   {'held':>8} {'most':>8}")
    for sampler in SAMPLERS:
        row(repr(sampler), data, sampler, options.repeats)
    row("a random half", Subset(source=data, first=0.5, seed=0), None, options.repeats)
    row("three to one of two sources", Mixed(sources=(data, data), weights=(3, 1)), None, options.repeats)

    def from_settings(number: int) -> None:
        first(kid(data).train_sensor, number)

    from_settings(0)
    print(f"{'a Kid, from its settings to the first span':44} {milliseconds(from_settings, options.repeats)}")


if __name__ == "__main__":
    main()
