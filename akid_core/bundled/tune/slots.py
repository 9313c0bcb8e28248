"""Slots: places for trials, each with its own cores and GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from akid_core.errors import UsageError

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What libraries for arithmetic take their number of threads from."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for one trial. `cores`: the processor cores that it is bound to, none where slots share them.

    `threads`: how many its arithmetic may use. `gpus`: as CUDA numbers them; empty hides all, None says nothing.
    """

    number: int
    cores: tuple[int, ...]
    threads: int
    gpus: tuple[str, ...] | None = None

    def environment(self) -> dict[str, str]:
        """The environment of a trial: that of this process, with its threads and GPUs."""
        own = dict.fromkeys(_THREADS, str(self.threads))
        if self.gpus is not None:
            own["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus)
        return {**os.environ, **own}

    def bind(self, process: int) -> None:
        """Bind a process that just started to the cores, where the system can."""
        if self.cores and hasattr(os, "sched_setaffinity"):
            try:
                os.sched_setaffinity(process, self.cores)
            except OSError:  # it ended already, or the system does not allow it: the threads alone are limited
                return


def make_slots(
    slots: int | None = None, cores: int | None = None, gpus: Iterable[str] | None = None, gpus_each: int = 1
) -> list[Slot]:
    """Share out the cores that this process may use, and GPUs.

    `slots`: how many; by default as many as there are GPUs for, else as there are cores for. `cores`: for each slot; by
    default an equal share. `gpus`: their numbers, by default those in CUDA_VISIBLE_DEVICES, else those of this machine.
    Raises `UsageError` for more than there is.
    """
    for name, count in (("--slots", slots), ("--cores", cores), ("--gpus-each", gpus_each)):
        if count is not None and count < 1:
            raise UsageError(f"{name} must be at least 1, got {count}.")
    there = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    devices = list(gpus) if gpus is not None else find_gpus(os.environ)
    for name in devices if gpus is not None else ():
        if not name.isdecimal() and not name.startswith(("GPU-", "MIG-")):
            raise UsageError(f"--gpus: '{name}' is no GPU. Give numbers, 0,1, or names of CUDA's, GPU-… or MIG-….")
    if cores is not None and cores > len(there):
        raise UsageError(f"--cores {cores}: this process may use {len(there)} cores.")
    if devices and gpus_each > len(devices):
        raise UsageError(f"--gpus-each {gpus_each}: there are {len(devices)} GPUs ({', '.join(devices)}).")
    count = slots or (len(devices) // gpus_each if devices else len(there) // (cores or 1))
    if devices and count * gpus_each > len(devices):
        raise UsageError(
            f"--slots {count} with {gpus_each} GPUs each need {count * gpus_each}, and there are {len(devices)} "
            f"({', '.join(devices)}). Take fewer slots, or say --gpus none where the trials need none."
        )
    share = cores or max(1, len(there) // count)
    fits = share * count <= len(there)
    return [
        Slot(
            number=number,
            cores=tuple(there[number * share : (number + 1) * share]) if fits else (),
            threads=share,
            gpus=tuple(devices[number * gpus_each : (number + 1) * gpus_each]) if devices or gpus is not None else None,
        )
        for number in range(count)
    ]


def seats(numbers: Iterable[int], slots: Iterable[Slot]) -> list[Slot | None]:
    """The slots of trials that started on slots of these numbers: their own; where that is gone, one left over."""
    wanted, free = list(numbers), {slot.number: slot for slot in slots}
    own = [free.pop(number, None) for number in wanted]
    left = iter(free.values())
    return [slot or next(left, None) for slot in own]


def find_gpus(environment: Mapping[str, str], devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that this process may use: those that CUDA_VISIBLE_DEVICES names, else NVIDIA's device files."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    numbers = (path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))
    return [str(number) for number in sorted(int(text) for text in numbers if text.isdecimal())]
