"""Moment: what a life-cycle hook is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akid_core.training.kid import Kid


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """The one argument of every life-cycle hook; it can grow without changing any hook.

    `step`, `epoch`: how many are finished. `limit`: the number of steps after which the practice ends as planned, where
    that is known. `values`: figures such as `train/loss`, `val/accuracy`, `learning_rate`, `examples_per_second`,
    `data_wait` (the share of time spent waiting for data), an array as nested lists; empty where nothing was measured.
    `checkpoint`: what was saved, for `akid_checkpoint_saved`. `error`: what went wrong, for `akid_practice_error`.
    `run_dir`: None where the run keeps nothing.
    """

    kid: Kid
    run_dir: Path | None
    step: int
    epoch: int
    limit: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Path | None = None
    error: BaseException | None = None

    @property
    def scalars(self) -> dict[str, float]:
        """Those of the values that are numbers: what fits on a line or a curve."""
        return {name: value for name, value in self.values.items() if not isinstance(value, list)}
