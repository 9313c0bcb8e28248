"""The settings of a Kid: what a YAML file says, as Python objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from akid_core.backends.plan import Execution
from akid_core.config import check_types
from akid_core.data.sensors import Sensors
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.brain import Brain
from akid_core.observers.base import Observer
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.phase import Phase
from akid_core.schedules.base import Schedule
from akid_core.training.interval import Every, check_every
from akid_core.training.learner import Learner

SCHEMA = 1
"""The version of the YAML schema, its key `akid`."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """Which value of validation to track: `Best(metric="accuracy", mode="max", patience=5)`.

    `patience`: practice stops after this many validations without an improvement of more than `minimum_change`.
    """

    metric: str = "loss"
    mode: Literal["min", "max"] = "min"
    patience: int | None = None
    minimum_change: float = 0.0

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 validation, got {self.patience}")
        if self.minimum_change < 0:
            raise ValueError(f"minimum_change must not be negative, got {self.minimum_change}")

    def improves(self, value: float, best: float | None) -> bool:
        """Whether `value` beats `best`; a value that is not a number never does."""
        if value != value:
            return False
        gain = 0.0 if best is None else (value - best if self.mode == "max" else best - value)
        return best is None or gain > self.minimum_change


@dataclass(frozen=True, kw_only=True)
class Start:
    """Weights to begin with: `Start(path="runs/big", params=("conv*",))`.

    `path`: a run directory (its best checkpoint if it tracks one, else its newest), a checkpoint's directory, or a file
    `.safetensors`. `params`: globs of the parameters that are wanted; the rest begins as always. `names`: what a
    parameter, or a block, is called there, by its name here. `layout`: whose names and axes the file has. `complete`:
    all that are wanted must be there.
    """

    path: Path
    params: tuple[str, ...] = ("*",)
    names: Mapping[str, str] = field(default_factory=dict)
    layout: Literal["akid", "torch", "keras"] = "akid"
    complete: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        object.__setattr__(self, "params", (self.params,) if isinstance(self.params, str) else tuple(self.params))


@dataclass(frozen=True, kw_only=True)
class Practice:
    """How long to practise and when to look: exactly one of `epochs` and `steps`; intervals in steps or epochs.

    `keep`: how many checkpoints stay (the best one stays besides). `best`: the value of validation to track. `freeze`:
    globs of the parameters that stay as they are, weights and state. `start`: weights to begin with, from one place or
    from several, of which later ones count; a run that is resumed does not read them again. `loss_weights`: what the
    weights of losses are multiplied by, by the name of the loss a number or a schedule:
    `loss_weights={"aux": Exponential(initial=1.0, …)}`.
    """

    epochs: int | None = None
    steps: int | None = None
    log_every: Every = "epoch"
    validate_every: Every = "epoch"
    checkpoint_every: Every = "epoch"
    keep: int = 3
    best: Best | None = None
    freeze: tuple[str, ...] = ()
    start: Start | tuple[Start, ...] | None = None
    loss_weights: Mapping[str, float | Schedule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "freeze", (self.freeze,) if isinstance(self.freeze, str) else tuple(self.freeze))
        if isinstance(self.start, list):
            object.__setattr__(self, "start", tuple(self.start))
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("say exactly one of epochs and steps")
        limit = self.epochs if self.epochs is not None else self.steps
        if limit is not None and limit < 0:
            raise ValueError(f"epochs and steps must not be negative, got {limit}")
        if self.keep < 1:
            raise ValueError(f"keep must be at least 1 checkpoint, got {self.keep}")
        for name in ("log_every", "validate_every", "checkpoint_every"):
            check_every(name, getattr(self, name))

    @property
    def starts(self) -> tuple[Start, ...]:
        """The places of weights to begin with, in order."""
        return (self.start,) if isinstance(self.start, Start) else self.start or ()

    def total(self, steps_per_epoch: int) -> int:
        """The planned number of steps."""
        return self.steps if self.steps is not None else (self.epochs or 0) * steps_per_epoch

    def limit(self, steps_per_epoch: int, max_epochs: int | None, max_steps: int | None) -> int:
        """The number of steps after which to stop: the smaller of the two limits, else the planned number."""
        for name, limit in (("max_epochs", max_epochs), ("max_steps", max_steps)):
            if limit is not None and limit < 0:
                raise UsageError(f"{name} must not be negative, got {limit}.")
        limits = [max_steps, max_epochs * steps_per_epoch if max_epochs is not None else None]
        return min((limit for limit in limits if limit is not None), default=self.total(steps_per_epoch))


@dataclass(frozen=True, kw_only=True)
class KidConfig:
    """All that a Kid is made of. `backend` None takes the installed one of highest priority.

    `optimizer`: one for everything, or the phases of a step in their order. `kid`: which learner, with its settings.
    """

    brain: Brain
    sensors: Sensors
    optimizer: Optimizer | tuple[Phase, ...]
    practice: Practice
    backend: str | None = None
    seed: int = 0
    observers: tuple[Observer, ...] = ()
    execution: Execution = field(default_factory=Execution)
    plugins: tuple[Any, ...] = ()
    providers: Mapping[str, str] = field(default_factory=dict)
    kid: Learner = field(default_factory=Learner)

    def __post_init__(self) -> None:
        """Raises `ConfigurationError` for a setting, or one inside it, of another type than it should have."""
        check_types(self)
        if self.optimizer == ():
            raise ConfigurationError("optimizer: lists no phase; give one at least, or an optimizer.")
        for path, block in self.brain.blocks.items():
            check_types(block, f"brain.blocks.{path}")
