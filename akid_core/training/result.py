"""What practice and validation give back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from akid_core.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_PREEMPTED

Status = Literal["done", "stopped_early", "interrupted", "preempted"]
EXIT_CODES: dict[Status, int] = {
    "done": EXIT_DONE,
    "stopped_early": EXIT_DONE,
    "interrupted": EXIT_INTERRUPTED,
    "preempted": EXIT_PREEMPTED,
}

Values = dict[str, Any]
"""Figures by name: a number each, or nested lists of numbers where a metric gives an array."""


@dataclass(frozen=True, kw_only=True)
class PracticeResult:
    """The end of a practice: losses and metrics by name for each split (empty where a split does not exist).

    `step`, `epoch`: finished ones. `checkpoint`: the newest, if the run has a directory. `seconds`: of this call.
    """

    status: Status
    step: int
    epoch: int
    train: Values
    val: Values
    test: Values
    checkpoint: Path | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain values by name."""
        return {**asdict(self), "checkpoint": str(self.checkpoint) if self.checkpoint else None}


class Interrupted(SystemExit):
    """A signal ended the practice; what was learned is saved. Uncaught, the program ends with 130 or 143."""

    def __init__(self, result: PracticeResult) -> None:
        super().__init__(EXIT_CODES[result.status])
        self.result = result
