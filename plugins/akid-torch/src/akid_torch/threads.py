"""How many threads a step takes."""

from __future__ import annotations

import math

import torch

from akid_core.graph.resolved import Graph

SMALL = 5_000_000
"""Multiplications for one row below which a second thread does not pay: waiting for it costs more than it brings,
and several times more where something else uses the machine."""


FOUND = torch.get_num_threads()
"""As many as torch found, or the program chose, before a brain asked for another number."""


def default_threads(graph: Graph) -> int:
    """One thread for a small brain, as many as torch found for a larger one."""
    return 1 if multiplications(graph) < SMALL else FOUND


def multiplications(graph: Graph) -> int:
    """How many a forward pass of one row takes in convolutions and dense layers; a symbolic size counts as one."""
    total = 0
    for call in graph.calls:
        places = math.prod(size for size in call.out_specs[0].shape[1:] if isinstance(size, int))
        for spec in call.params:
            if "O" in spec.axes and len(spec.axes) > 1:
                total += places * spec.size // spec.shape[spec.axes.index("O")]
    return total


def use_threads(count: int | None) -> None:
    """Let torch's arithmetic use `count` threads; None leaves it as it is."""
    if count is not None and count != torch.get_num_threads():
        torch.set_num_threads(count)
