"""What graphs of a thousand blocks cost: to settle, to describe, to draw, to build, and to run.

Run it with `python bench/graph_speed.py [describe] [build] [run] [compile]`. `describe`: CPU milliseconds for 1,000
blocks, the best of three, and how many times as many for 4,000: 4 where it grows linearly. `build`: the same for live
networks. `run`: microseconds per block that a network by names costs over the `nn.Module` with the same layers, in
turns. `compile`: graphs and breaks that torch's compiler finds.
"""
# ruff: noqa: E402  (the number of threads is read when NumPy and the frameworks are imported)

from __future__ import annotations

import argparse
import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import gc
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from measure import Contestant, alternate

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.graph.flatten import flatten
from akid_core.plugins import default_manager

ROW = akid.TensorSpec(("N", 8))
BLOCKS, LARGER = 1000, 4000
GOAL_RESOLVE, GOAL_NODE = 1.0, 5.0
"""Seconds for 1,000 blocks; microseconds per block over the same layers by hand."""


def chain(blocks: int) -> akid.Brain:
    return akid.Brain.sequential(
        *(L.ReLU() if index % 2 else L.Dense(units=8) for index in range(blocks)), inputs={"x": ROW}
    )


def branches(blocks: int) -> akid.Brain:
    """All side by side, and one sum."""
    names = [f"d{index}" for index in range(blocks - 1)]
    wide = [L.Dense(units=8, name=name).on("x") for name in names]
    return akid.Brain.graph(*wide, L.Add(name="sum").on(*names), inputs={"x": ROW})


def nested(blocks: int) -> akid.Brain:
    """Residual Systems of three layers, in Systems of two, four levels deep."""

    def system(levels: int, name: str) -> akid.System:
        if levels:
            return akid.System.sequential(system(levels - 1, "left"), system(levels - 1, "right"), name=name)
        return akid.System.sequential(
            L.Dense(units=8, name="fc"), L.ReLU(), L.Add(name="sum").on("v", "relu"), inputs="v", name=name
        )

    return akid.Brain.sequential(*(system(3, f"s{index}") for index in range(blocks // 24)), inputs={"x": ROW})


def network(blocks: int, delayed: bool = False) -> akid.Brain:
    """Each block takes up to three earlier ones, anywhere; `delayed`: and the past of any other."""
    draw = random.Random(0)
    nodes = [L.Dense(units=8, name="n0").on("x")]
    for index in range(1, blocks):
        edges = [f"n{draw.randrange(index)}" for _ in range(draw.randint(1, 3))]
        edges += [f"n{draw.randrange(blocks)}@-1"] if delayed else []
        layer = L.Add if len(dict.fromkeys(edges)) > 1 else partial(L.Dense, units=8)
        nodes.append(layer(name=f"n{index}").on(*dict.fromkeys(edges)))
    return akid.Brain.graph(*nodes, inputs={"x": ROW})


def unrolled(blocks: int) -> akid.Brain:
    """A cell of two blocks for half as many steps."""
    cell = akid.Unroll.graph(
        L.Concat(name="joined").on("x", "h@-1"), L.Dense(name="h", units=8).on("joined"), inputs="x", outputs="h"
    )
    return akid.Brain.sequential(cell, inputs={"x": akid.TensorSpec(("N", blocks // 2, 8))})


SHAPES: dict[str, Callable[[int], akid.Brain]] = {
    "chain": chain,
    "branches": branches,
    "nested": nested,
    "network": network,
    "feedback": partial(network, delayed=True),
    "unrolled": unrolled,
    "repeated": lambda blocks: akid.Brain.sequential(
        akid.Repeat.sequential(L.Dense(units=8), L.ReLU(), times=blocks // 2), inputs={"x": ROW}
    ),
}

DESCRIBED: dict[str, Callable[[akid.Brain], object]] = {
    "names": lambda brain: brain.blocks,
    "flatten": flatten,
    "resolve": lambda brain: brain.resolve(),
    "summary": lambda brain: brain.summary(),
    "yaml": lambda brain: akid.Brain.from_config(brain.to_config()),
    "draw": lambda brain: brain.draw(),
}


def seconds(make: Callable[[], Any], task: Callable[[Any], object]) -> float:
    """The CPU time of a task, the best of three, each with something new; without collecting garbage on the way."""
    best = float("inf")
    for _ in range(3):
        given = make()
        gc.collect()
        gc.disable()
        begun = time.process_time()
        task(given)
        best = min(best, time.process_time() - begun)
        gc.enable()
    return best


def table(columns: dict[str, Callable[[Any], object]], made: Callable[[Callable[[int], akid.Brain], int], Any]) -> None:
    """Milliseconds of each task for 1,000 blocks of each shape, and the ratio of 4,000 to that."""
    print(f"{'':10}" + "".join(f"{name:>18}" for name in columns))
    for shape, brain in SHAPES.items():
        cells = []
        for task in columns.values():
            small, large = (seconds(partial(made, brain, blocks), task) for blocks in (BLOCKS, LARGER))
            cells.append(f"{small * 1e3:9.1f} (x {large / small:4.1f})")
        print(f"{shape:10}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def describe() -> None:
    print(f"\nA description, CPU ms for {BLOCKS} blocks (x: for {LARGER}); resolve: <= {GOAL_RESOLVE * 1e3:.0f}")
    table(DESCRIBED, lambda brain, blocks: brain(blocks))


def live(backend: str, graph: Any) -> Any:
    engine = default_manager().registry.get("backend", backend)()
    made = engine.network(graph, engine.plan(Execution(), graph), 0)
    made.place("cpu")
    return made


def build() -> None:
    backends = [name for name in ("numpy", "torch", "tensorflow") if default_manager().registry.has("backend", name)]
    print(f"\nA live network, CPU ms for {BLOCKS} blocks (x: for {LARGER})")
    for name in backends:
        live(name, chain(8).resolve())
    table({name: partial(live, name) for name in backends}, lambda brain, blocks: brain(blocks).resolve())


def trivial() -> akid.Brain:
    return akid.Brain.sequential(
        *(L.ReLU() if index % 2 else L.Tanh() for index in range(BLOCKS)), inputs={"x": ROW}, outputs=()
    )


def run(rounds: int = 60) -> None:
    import torch
    from torch import nn

    torch.set_num_threads(1)

    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.ReLU() if index % 2 else nn.Tanh() for index in range(BLOCKS))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    module, by_hand = live("torch", trivial().resolve()).module, ByHand()
    x = torch.randn(8, 8, requires_grad=True)
    runs = {
        "akid": lambda: next(iter(module({"x": x}, "training")[0].values())),
        "by hand": lambda: by_hand(x),
    }

    def forward(take: Callable[[], torch.Tensor], times: int) -> None:
        with torch.no_grad():
            for _ in range(times):
                take()

    def backward(take: Callable[[], torch.Tensor], times: int) -> None:
        for _ in range(times):
            take().sum().backward()

    for name, way in (("forward", forward), ("forward and backward", backward)):
        contestants = [Contestant(label, partial(way, take)) for label, take in runs.items()]
        alternate(contestants, steps=3, rounds=rounds, warmup=3)
        mine, hand = ([cost / BLOCKS for cost in contestant.costs] for contestant in contestants)
        extra = [a - b for a, b in zip(mine, hand, strict=True)]
        low, middle, high = statistics.quantiles(extra, n=4)
        print(
            f"{name:22} akid {statistics.median(mine):6.2f}  by hand {statistics.median(hand):6.2f}  more "
            f"{middle:5.2f} ({low:.2f} to {high:.2f}) us per block; goal <= {GOAL_NODE:g}"
        )


def compile_() -> None:
    import torch

    module = live("torch", trivial().resolve()).module.eval()
    begun = time.process_time()
    seen = torch._dynamo.explain(module)({"x": torch.randn(8, 8)})
    print(
        f"\ntorch.compile: {seen.graph_count} graph with {seen.op_count} operations, {seen.graph_break_count} breaks "
        f"(CPU {time.process_time() - begun:.0f} s to trace); goal: 1 graph, 0 breaks"
    )


PARTS: dict[str, Callable[[], None]] = {"describe": describe, "build": build, "run": run, "compile": compile_}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="|".join(PARTS))
    for part in parser.parse_args().parts or PARTS:
        PARTS[part]()
