"""Keeper: the states of a run that it can go back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.backends.contract import Arrays
from akid_core.checkpoints import Checkpoint, Verified, prune, write_checkpoint
from akid_core.errors import CheckpointError
from akid_core.optimizers.average import Averages, running_means
from akid_core.strategies.base import Strategy
from akid_core.training.directory import RunDirectory
from akid_core.training.report import warn
from akid_core.training.state import RunState


class Keeper:
    """The newest state and the best one: as checkpoints where there is a directory, else as copies in memory.

    `step`: of the newest kept state; `path`: its checkpoint. A run that was not resumed holds its first state, which
    need not be the initial one, in memory until there is a checkpoint. `averages`: of parameters, as they are by now.
    """

    def __init__(
        self,
        directory: RunDirectory | None,
        strategy: Strategy,
        state: RunState,
        checkpoint: Checkpoint | None,
        averages: Callable[[Iterable[str]], Averages],
    ) -> None:
        self._directory, self._strategy, self._state, self._averages = directory, strategy, state, averages
        self._verified = Verified()
        if checkpoint is None:
            self.hold()
        else:
            self._take(checkpoint)
            best = directory.at_step(state.best_step) if directory is not None else None
            state.read_best = best.evaluated if best else None

    def hold(self) -> None:
        """Keep the present state in memory as the newest."""
        arrays = self._strategy.gather()
        self._newest(self._state.step, lambda: arrays, None)

    def hold_best(self) -> None:
        """Keep the present parameters as the best ones: in memory, unless the next checkpoint will hold them."""
        if self._directory is None:
            params, slots = self._strategy.gather()
            params = running_means(params, slots, self._averages(params))
            self._state.read_best = lambda: params

    def write(self, directory: RunDirectory, keep: int, describe: Callable[[], Mapping[str, Any]]) -> bool:
        """Write the present state as a checkpoint, and delete all but the newest `keep` and the best.

        False, and nothing is written, where a parameter is infinite or not a number.
        """
        finite = True

        def write(params: Arrays, slots: Arrays) -> None:
            nonlocal finite
            finite = all(np.isfinite(value).all() for value in params.values() if value.dtype.kind == "f")
            if finite:
                write_checkpoint(directory.checkpoints, self._state.step, params, slots, describe())

        self._strategy.save(write)
        if self._strategy.agree(not finite):
            return False
        written = directory.at_step(self._state.step)
        assert written is not None, "a strategy writes before it returns"
        self._take(written)
        best = directory.at_step(self._state.best_step)
        if best == written:
            self._state.read_best = best.evaluated
        prune(directory.checkpoints, keep, protect={best.path} if best else set(), verified=self._verified)
        return True

    def rewind(self) -> int:
        """Put the network back to the newest state; the step it is at."""
        self._strategy.load(self._read)
        return self.step

    def best(self) -> Arrays | None:
        """The best parameters, running means where those were validated.

        None where none are tracked, or where they are damaged, which is said.
        """
        try:
            return self._state.read_best() if self._state.read_best is not None else None
        except CheckpointError as error:
            warn(f"{error} The last parameters are taken instead of the best ones.")
            return None

    def _take(self, checkpoint: Checkpoint) -> None:
        self._newest(checkpoint.step, lambda: (checkpoint.params(), checkpoint.slots()), checkpoint.path)

    def _newest(self, step: int, read: Callable[[], tuple[Arrays, Arrays]], path: Path | None) -> None:
        self.step, self._read, self.path = step, read, path
        self._state.forget_schedules()
