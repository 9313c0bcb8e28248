"""Alternating measurement: contestants take turns in random order, in one process, and ratios are quoted."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Contestant:
    """`run(steps)` takes that many steps; `costs` are CPU microseconds per step, one for each round."""

    name: str
    run: Callable[[int], object]
    costs: list[float] = field(default_factory=list)


def alternate(contestants: list[Contestant], *, steps: int, rounds: int, warmup: int) -> None:
    """Let each contestant take `steps` steps in each round, the order drawn anew."""
    for contestant in contestants:
        contestant.run(warmup)
    order = random.Random(0)
    for _ in range(rounds):
        for contestant in order.sample(contestants, len(contestants)):
            begun = time.process_time()
            contestant.run(steps)
            contestant.costs.append((time.process_time() - begun) / steps * 1e6)


def report(title: str, contestants: list[Contestant], base: str, goals: dict[str, float]) -> None:
    """CPU time per step, and the ratio to `base` round by round: median, and the range of the middle half."""
    reference = next(contestant for contestant in contestants if contestant.name == base).costs
    print(f"\n{title}\n{'':34} {'us/step p10':>12} {'median':>9}   ratio p10   median (quartiles)      goal")
    for contestant in contestants:
        ratios = sorted(cost / other for cost, other in zip(contestant.costs, reference, strict=True))
        low, middle, high = statistics.quantiles(ratios, n=4)
        fastest, base_fastest = _p10(contestant.costs), _p10(reference)
        goal = f"<= {goals[contestant.name]}" if contestant.name in goals else ""
        print(
            f"{contestant.name:34} {fastest:12.0f} {statistics.median(contestant.costs):9.0f}"
            f"   {fastest / base_fastest:9.2f}   {middle:.2f} ({low:.2f} to {high:.2f}) {goal:>14}"
        )


def _p10(costs: list[float]) -> float:
    return sorted(costs)[len(costs) // 10]
