"""What the tests of processes read; the processes import it, too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.data import Augmenter, Draws, Sensor, Source
from akid_core.data.reading import Reading
from akid_core.specs import TensorSpec


class SimpleError(Exception):
    pass


class TwoArgumentsError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@dataclass(frozen=True, kw_only=True)
class Numbers(Source):
    """Row r is the number r; at row `at` something happens."""

    size: int = 40
    at: int = -1
    what: str = ""
    thing: object = None

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        fields = {"x": TensorSpec(("N", 2), "float32"), "label": TensorSpec(("N",), "int64")}
        if self.what == "open":
            fields["text"] = TensorSpec(("N", "T"), "uint8")
        if self.what == "objects":
            fields["name"] = TensorSpec(("N",), "object")
        return fields

    def __len__(self) -> int:
        return self.size

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        if self.at in indices:
            self.happen()
        fields = {"x": np.stack([indices, 10 * indices], axis=1).astype(np.float32), "label": indices.copy()}
        if self.what == "open":
            fields["text"] = np.full((len(indices), 1000 * indices.max()), indices.min(), np.uint8)
        if self.what == "objects":
            fields["name"] = np.array([None] * len(indices), object)
        return fields

    def happen(self) -> None:
        if self.what == "simple":
            raise SimpleError("row", self.at)
        if self.what == "two":
            raise TwoArgumentsError(1, 2)
        if self.what == "local":

            class LocalError(Exception):
                pass

            raise LocalError("deep inside")
        if self.what == "exit":
            raise SystemExit(9)
        if self.what == "die":
            os._exit(3)
        if self.what == "SIGKILL" and not os.fork():  # a child that keeps all files open must not hide the death
            time.sleep(2)
            os._exit(0)
        if self.what.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, self.what))
        if self.what == "sleep":
            time.sleep(1000)


@dataclass(frozen=True, kw_only=True)
class Jitter(Augmenter):
    """Adds a number of its own to each row."""

    fields: tuple[str, ...] = ("x",)

    def apply(self, fields: Mapping[str, np.ndarray], random: Draws) -> Mapping[str, np.ndarray]:
        return {name: fields[name] + random.uniform()[:, np.newaxis].astype(np.float32) for name in self.fields}


def sensor(processes: int = 1, batch_size: int = 4, ahead: int = 2, **settings: Any) -> Sensor:
    reading = Reading(processes=processes, ahead=ahead)
    return Sensor(Numbers(**settings), batch_size=batch_size, augment=(Jitter(),), reading=reading)


def steps(count: int = 10**6, size: int = 1) -> Iterator[tuple[int, int]]:
    return ((step, size) for step in range(0, count, size))


def open_now() -> dict[str, Any]:
    """What this program holds of the system."""
    return {
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": [thread for thread in threading.enumerate() if thread.name == "akid-prefetch"],
        "children": sorted(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        "maps": Path("/proc/self/maps").read_text().count("memfd:akid"),
        "named memory": Path("/proc/self/maps").read_text().count("/dev/shm/"),
    }


def until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def workers() -> list[Any]:
    return [child for child in multiprocessing.active_children() if child.name == "akid-reader"]
