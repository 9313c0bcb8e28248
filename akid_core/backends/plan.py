"""Execution and Plan: how a run is asked to execute, and how it was settled."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What a user may ask of the execution; None means "by the backend's fixed rules".

    `device`: `"cpu"`, `"cuda:0"`, … `threads`: of the backend's arithmetic. `bundle`: steps handed over in one call.
    `layout`: `"channels_first"` or `"channels_last"` inside. `fused`: fused optimizer kernels. `strategy`: how many
    processes share a step.
    """

    device: str = "cpu"
    threads: int | None = None
    bundle: int | None = None
    layout: str | None = None
    fused: bool | None = None
    strategy: str = "single"

    def __post_init__(self) -> None:
        for name in ("threads", "bundle"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"execution.{name} must be at least 1, got {value}")
        if self.layout not in (None, "channels_first", "channels_last"):
            raise ValueError(f"execution.layout must be channels_first or channels_last, got {self.layout!r}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The settled execution: stored with the run, reused on resume, so that arithmetic is the same to the bit."""

    backend: str
    device: str = "cpu"
    threads: int | None = None
    bundle: int = 1
    layout: str = "channels_first"
    fused: bool = False
    strategy: str = "single"
    world: int = 1
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
