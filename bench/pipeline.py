"""How many images a second an input pipeline delivers: akid, torch's DataLoader, tf.data and Grain, in turn.

Run it with `python bench/pipeline.py [--rounds N] [--seconds S] [--only TEXT]`; peers take part where they are
installed. 50,000 uint8 images of 3x32x32 in memory, shuffled, in batches of 128: crop with a padding of 4, flip,
brightness, contrast, normalise to float32. Wall time of one consumer that only counts, on two cores; each round lets
every contestant deliver for some seconds, in an order drawn anew, and ratios are formed round by round.
"""
# ruff: noqa: E402  (the number of threads is read when NumPy and the frameworks are imported)

from __future__ import annotations

import argparse
import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import random
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np
from pipelines import peers
from pipelines.task import BATCH, Task

import akid_core as akid
from akid_core.data import Reading
from akid_datasets.augmenters.brightness import Brightness
from akid_datasets.augmenters.contrast import Contrast
from akid_datasets.augmenters.crop import Crop
from akid_datasets.augmenters.flip import Flip
from akid_datasets.augmenters.normalize import Normalize
from akid_datasets.pictures.running import VARIABLE, compiled

WARM = 20
"""Batches that are not counted: threads, processes and compilers get going."""


AT_ONCE = 8
"""Batches of a span: as many as a Kid with a convolutional brain asks for on PyTorch."""


@dataclass
class Contestant:
    """`open()` gives an iterator over batches (128, …) float32, and ends what it has started on leaving."""

    name: str
    open: Callable[[], AbstractContextManager[Iterator[np.ndarray]]]
    rates: list[float] = field(default_factory=list)


def akid_contestant(name: str, task: Task, threads: int, numba: bool, at_once: int) -> Contestant:
    settings = akid.sensors(
        train=(task.images, task.labels),
        batch_size=BATCH,
        augment=(
            Crop(pad=task.pad),
            Flip(),
            Brightness(strength=task.brightness),
            Contrast(strength=task.contrast),
            Normalize(mean=task.mean, std=task.std),
        ),
        drop_last=True,
        reading=Reading(threads=threads),
    )
    sensor = settings.sensor("train", 0, None)

    def plan() -> Iterator[tuple[int, int]]:
        step = 0
        while True:
            yield step, (count := sensor.uniform(step, at_once))
            step += count

    @contextmanager
    def opened() -> Iterator[Iterator[np.ndarray]]:
        os.environ[VARIABLE] = str(int(numba))
        with sensor.spans(plan()) as spans:
            yield (batch for span in spans for batch in span.fields["image"])

    return Contestant(name, opened)


def threads_of(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def contestants(task: Task) -> list[Contestant]:
    kinds = ("NumPy", "numba") if compiled() else ("NumPy",)
    found = [
        akid_contestant(f"akid, {kind}, {threads_of(count)}{how}", task, count, kind == "numba", at_once)
        for kind in kinds
        for at_once, how in ((AT_ONCE, ""), (1, ", batch by batch"))
        for count in (1, 2)
    ]
    for make in (peers.data_loaders, peers.tf_data, peers.grain):
        try:
            found += [Contestant(name, partial(_closing, iterate)) for name, iterate in make(task)]
        except ImportError as error:
            print(f"left out: {make.__name__} ({error})")
    return found


def _closing(iterate: Callable[[], Generator[np.ndarray]]) -> AbstractContextManager[Generator[np.ndarray]]:
    return closing(iterate())


def measured(contestant: Contestant, seconds: float) -> float:
    """Images a second."""
    with contestant.open() as batches:
        for _ in islice(batches, WARM):
            pass
        begun, count = time.perf_counter(), 0
        while (passed := time.perf_counter() - begun) < seconds:
            next(batches)
            count += 1
    return count * BATCH / passed


def seen_from_afar(images: np.ndarray) -> tuple[float, float, float]:
    """Mean, deviation, and the share of lines of one value: those of the frame, however it was coloured."""
    return float(images.mean()), float(images.std()), float((np.ptp(images[:, 0], axis=2) == 0).mean())


def check(contestant: Contestant, expected: tuple[float, float, float]) -> None:
    """Stop unless what a contestant delivers is of the right shape and type, and looks as expected from afar."""
    with contestant.open() as batches:
        images = np.concatenate([np.array(batch) for batch in islice(batches, 40)])
    shape = images.shape
    if shape[-1] == 3:
        images = images.transpose(0, 3, 1, 2)
    assert images.shape == (40 * BATCH, 3, 32, 32), f"{contestant.name} gives {shape}"
    assert images.dtype == np.float32, f"{contestant.name} gives {images.dtype}"
    figures = seen_from_afar(images)
    print(f"  {contestant.name:36} {shape!s:18} " + "  ".join(f"{figure:+.3f}" for figure in figures))
    apart = np.abs(np.subtract(figures, expected))  # two samples of 5,120 images, each shaded at random
    assert (apart < (0.05, 0.03, 0.01)).all(), f"{contestant.name} does something else: not {expected}"


def report(contestants: list[Contestant], base: str, goals: dict[str, float]) -> None:
    """Images a second, and the ratio to `base` round by round: median and quartiles."""
    named = {contestant.name: contestant for contestant in contestants}
    print(f"\n{'ratios to ' + base:42} {'img/s':>9}   median (quartiles)       goal")
    for contestant in contestants:
        ratios = [rate / other for rate, other in zip(contestant.rates, named[base].rates, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        goal = f">= {goals[contestant.name]:g}" if contestant.name in goals else ""
        spread = f"{middle:6.2f} ({low:.2f} to {high:.2f})"
        print(f"{contestant.name:42} {statistics.median(contestant.rates):9,.0f}   {spread:22} {goal:>8}")


def best(contestants: list[Contestant], beginning: str) -> str:
    """The name of the fastest whose name begins so."""
    some = [contestant for contestant in contestants if contestant.name.startswith(beginning)]
    return max(some, key=lambda contestant: statistics.median(contestant.rates)).name if some else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each contestant delivers in a round")
    parser.add_argument("--only", default="", help="contestants whose name contains this, and DataLoader")
    arguments = parser.parse_args()
    task = Task()
    known = [one for one in contestants(task) if arguments.only in one.name or one.name == "DataLoader, 0 workers"]
    expected = seen_from_afar(np.stack([*map(peers.PerSample(task), task.images[:5000])]))
    print("What they deliver: shape, mean, deviation, share of lines in the frame")
    for contestant in known:
        check(contestant, expected)
    order = random.Random(0)
    for _ in range(arguments.rounds):
        for contestant in order.sample(known, len(known)):
            contestant.rates.append(measured(contestant, arguments.seconds))
    alone, fast = best(known, "akid, NumPy"), "akid, numba, 2 threads"
    report(known, "DataLoader, 0 workers", {alone: 4, fast: 15})
    report(known, best(known, "DataLoader, "), {alone: 2.5, fast: 10})
    for peer, goals in (("DataLoader tuned", {}), ("tf.data,", {alone: 0.9}), ("tf.data compiled", {})):
        if name := best(known, peer):
            report(known, name, goals)


if __name__ == "__main__":
    main()
