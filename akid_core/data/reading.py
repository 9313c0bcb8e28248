"""Reading: who reads ahead of the training, and how far."""

from __future__ import annotations

import os
from dataclasses import dataclass

MOST_THREADS = 4
"""Threads that read where nothing is said; decoders and disks gain little from more."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a Sensor reads ahead; it changes when batches are made, never what is in them.

    `threads`: how many make spans at once; None for a fixed rule, 0 to read on demand; at most one reads a Source whose
    rows come one after another. `processes`: how many read instead of threads, for a Source that keeps Python busy;
    Source and augmenters must then be picklable. Of rows that come one after another each process reads all, and
    augments its share. `ahead`: how many spans are made ready besides those that are being made.
    """

    threads: int | None = None
    processes: int = 0
    ahead: int = 2

    def __post_init__(self) -> None:
        for name in ("threads", "processes", "ahead"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must be at least 0, got {value}")
        if self.threads is not None and self.processes:
            raise ValueError(
                f"threads={self.threads} and processes={self.processes}: either threads read or processes do; leave "
                "one of them out"
            )

    def threads_for(self, *, in_memory: bool, one_by_one: bool, copied: bool) -> int:
        """How many threads read a Source; 0 where it is read on demand.

        `in_memory`: its rows lie in memory. `one_by_one`: they can only be read one after another. `copied`: that is
        all there is to a batch, nothing changes it.
        """
        if self.threads is not None:
            return min(1, self.threads) if one_by_one else self.threads
        if in_memory and copied:
            return 0  # handing a copy over costs as much as making it
        return 1 if in_memory or one_by_one else min(MOST_THREADS, _processors())


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
