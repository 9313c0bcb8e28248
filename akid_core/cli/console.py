"""Console: what `akid practice` says around its progress, and its report where it fails."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from akid_core.checkpoints import newest
from akid_core.errors import EXIT_FAILURE, EXIT_INTERRUPTED, CheckpointError, whole
from akid_core.observers.base import Observer
from akid_core.observers.moment import Moment
from akid_core.plugin_api import hookimpl


@dataclass(frozen=True, kw_only=True, eq=False)
class Console(Observer):
    """Says at the beginning what runs where, and knows at a failure how far it came."""

    title: str
    stream: Literal["stdout", "stderr"]
    _begun: float = field(default_factory=time.perf_counter)
    _failed: list[Moment] = field(default_factory=list)

    def say(self, text: str) -> None:
        print(text, file=getattr(sys, self.stream), flush=True)

    @hookimpl
    def akid_practice_begin(self, context: Moment) -> None:
        plan = context.kid.plan
        threads = "" if plan.threads is None else f", {plan.threads} thread{'' if plan.threads == 1 else 's'}"
        steps = f"steps {context.step} to {context.limit}" if context.step else f"{context.limit} steps"
        if context.limit is not None and context.step > context.limit:
            steps = f"step {context.step}, past the limit of {context.limit}, so nothing is left to practise,"
        self.say(f"{self.title}: {steps} on {plan.backend} ({plan.device}{threads}); run directory {context.run_dir}")

    @hookimpl
    def akid_practice_error(self, context: Moment) -> None:
        self._failed.append(context)

    def failure(self, error: BaseException) -> dict[str, Any]:
        """A result like that of a practice, with what was reached; `step` and `epoch` are null before the beginning."""
        report: dict[str, Any] = {"status": "failed", "step": None, "epoch": None}
        report |= {"train": {}, "val": {}, "test": {}, "checkpoint": None}
        for moment in self._failed:
            state = moment.kid.state
            report |= {"step": moment.step, "epoch": moment.epoch, "train": state.train, "val": state.val}
            with suppress(CheckpointError):
                checkpoint = newest(moment.run_dir / "checkpoints") if moment.run_dir else None
                report["checkpoint"] = str(checkpoint.path) if checkpoint else None
        said = whole(error) or type(error).__name__
        code = EXIT_INTERRUPTED if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", EXIT_FAILURE)
        return {**report, "seconds": time.perf_counter() - self._begun, "error": said, "exit_code": code}
