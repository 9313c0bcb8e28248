"""Verdict: what the end of a process means for its trial."""

from __future__ import annotations

import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from akid_core.bundled.tune.ledger import Ended, TrialStatus
from akid_core.bundled.tune.space import Objective
from akid_core.bundled.tune.trial import Trial
from akid_core.checkpoints import newest
from akid_core.errors import (
    EXIT_CONFIGURATION,
    EXIT_DONE,
    EXIT_FAILURE,
    EXIT_TRY_AGAIN,
    EXIT_USAGE,
    ConfigurationError,
)

PAUSE = 2.0
"""Seconds before a trial whose process asked to try again later (exit code 75) is started once more."""


@dataclass(frozen=True)
class Gone:
    """The process went away before its run had ended: the trial goes on, after a pause in seconds."""

    reason: str
    pause: float = 0.0


def judge(trial: Trial, code: int, seed: int, seconds: float, objective: Objective, best: bool) -> Ended | Gone:
    """What an exit code and the printed result mean.

    `best`: whether the run tracks the objective itself. Raises `ConfigurationError` where what a trial was asked cannot
    be run.
    """
    result = trial.result() or {}
    said = result.get("error") or trial.last_words().removeprefix("akid: ")
    if code in (EXIT_USAGE, EXIT_CONFIGURATION):
        raise ConfigurationError(said)
    if code == EXIT_FAILURE:
        return ended("failed", None, seed, seconds, result, said)
    if code != EXIT_DONE:
        reason = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with the exit code {code}"
        return Gone(f"{reason}: {said}", PAUSE) if code == EXIT_TRY_AGAIN else Gone(reason)
    value = _value(trial, result, objective, best)
    if value is None or not math.isfinite(value):
        lack = "is not finite" if objective.metric in result["val"] else "is not among the figures of its validation"
        return ended("failed", None, seed, seconds, result, f"its {objective.metric} {lack}")
    return ended(result["status"], value, seed, seconds, result)


def ended(
    status: TrialStatus, value: float | None, seed: int, seconds: float, result: Mapping[str, Any], error: str = ""
) -> Ended:
    """The record of a trial, with the figures that its process printed."""
    figures = {name: result[name] for name in ("step", "epoch", "train", "val", "test") if name in result}
    return Ended(status=status, value=value, seed=seed, seconds=seconds, error=error, **figures)


def newest_step(run_dir: Path) -> int:
    """How far a run is saved; -1 where it is not."""
    found = newest(run_dir / "checkpoints")
    return found.step if found is not None else -1


def _value(trial: Trial, result: Mapping[str, Any], objective: Objective, best: bool) -> float | None:
    """The objective: the best value of the run if it tracks that, else its last."""
    if best:
        checkpoint = newest(trial.directory / "checkpoints")
        if checkpoint is not None and checkpoint.state["run"]["best_value"] is not None:
            return float(checkpoint.state["run"]["best_value"])
    value: float | None = result["val"].get(objective.metric)
    return value
