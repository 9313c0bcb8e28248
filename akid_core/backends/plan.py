"""Execution and Plan: how a run is asked to execute, and how it was settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import FunctionType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What a user may ask of the execution; None means "by the backend's fixed rules".

    `device`: `"cpu"`, `"cuda:0"`, … `threads`: of the backend's arithmetic. `bundle`: steps handed over in one call.
    `layout`: `"channels_first"` or `"channels_last"` inside. `fused`: fused optimizer kernels. `strategy`: how many
    processes share a step.

    `compile`: the whole step as one compiled program; a backend declines by stated rules where that would lose, and
    says so. `deterministic`: only kernels that give the same bits every time. `micro_batches`: each batch is computed
    in so many parts, at most one for each row, whose gradients are summed as if it were whole, so that less memory is
    needed; a layer over its batch, such as BatchNorm, sees one part. `recompute`: globs of block paths whose values are
    not kept for the backward pass but computed again; the calls in a row that match one glob are one piece. `step`: by
    backend, the import path of a function that replaces its train program, see
    `akid_core.backends.contract.StepProgram`; a function is taken by its own path.
    """

    device: str = "cpu"
    threads: int | None = None
    bundle: int | None = None
    layout: str | None = None
    fused: bool | None = None
    strategy: str = "single"
    compile: bool = False
    deterministic: bool = False
    micro_batches: int = 1
    recompute: tuple[str, ...] = ()
    step: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("threads", "bundle", "micro_batches"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"execution.{name} must be at least 1, got {value}")
        if self.layout not in (None, "channels_first", "channels_last"):
            raise ValueError(f"execution.layout must be channels_first or channels_last, got {self.layout!r}")
        recompute = (self.recompute,) if isinstance(self.recompute, str) else tuple(self.recompute)
        object.__setattr__(self, "recompute", recompute)
        object.__setattr__(self, "step", {backend: _import_path(step) for backend, step in self.step.items()})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The settled execution: stored with the run, reused on resume, so that arithmetic is the same to the bit.

    `notes`: sentences for the user, such as why something that was asked for is declined.
    """

    backend: str
    device: str = "cpu"
    threads: int | None = None
    bundle: int = 1
    layout: str = "channels_first"
    fused: bool = False
    strategy: str = "single"
    world: int = 1
    compile: bool = False
    deterministic: bool = False
    micro_batches: int = 1
    recompute: tuple[str, ...] = ()
    step: str = ""
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("recompute", "notes"):  # JSON gives them back as lists
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _import_path(step: Any) -> str:
    """`module:function`. Raises `ValueError` for a function that has no path, such as a lambda."""
    if isinstance(step, FunctionType):
        if "<" in step.__qualname__:
            raise ValueError(
                f"execution.step: {step.__qualname__} is defined inside a function, so no other process can name it: "
                "move it to the top of its module"
            )
        return f"{step.__module__}:{step.__qualname__}"
    if not isinstance(step, str) or not all(part.strip() for part in step.partition(":")):
        raise ValueError(f"execution.step takes import paths such as 'mine:step', got {step!r}")
    return step
