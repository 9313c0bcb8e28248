"""Run: one practice under way, its state, and who looks when."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from akid_core._version import __version__
from akid_core.backends.contract import Arrays, SpanResult
from akid_core.checkpoints import Checkpoint, committed, prune, write_checkpoint
from akid_core.data.batch import Span
from akid_core.data.prefetch import Reader
from akid_core.errors import ConfigurationError, suggest
from akid_core.observers.moment import Moment
from akid_core.schedules.base import Horizon, Schedule
from akid_core.training.directory import RunDirectory
from akid_core.training.evaluate import evaluate
from akid_core.training.interval import bundle_looks, in_steps, looks, spans
from akid_core.training.replay import raise_non_finite
from akid_core.training.result import Status, Values
from akid_core.training.state import RunState

if TYPE_CHECKING:
    from akid_core.training.kid import Kid

SPAN_BYTES = 64 << 20
"""A span's data stay below this, whatever the bundle: it bounds memory and the wait for a signal."""


class Run:
    """Binds a Kid's live network, its data and a directory, and keeps the books of the loop."""

    def __init__(self, kid: Kid, limit: int, directory: RunDirectory | None, relay: Any) -> None:
        self.kid, self.limit, self.directory, self._relay = kid, limit, directory, relay
        self.practice = kid.config.practice
        self.strategy, self.graph = kid.strategy, kid.graph
        self.state: RunState = kid.state
        self.train = kid.train_sensor
        self.epoch_steps = self.train.steps_per_epoch
        self.newest: Path | None = None
        self._saved_step: int | None = None
        self._start = kid.snapshot() if directory is None else None
        self._since, self._rows, self._waited = time.perf_counter(), 0, 0.0
        self._reader: Reader[Span]
        self._intervals = {
            name: in_steps(getattr(self.practice, f"{name}_every"), self.epoch_steps)
            for name in ("log", "validate", "checkpoint")
        }

    # -- time

    def _due(self, name: str) -> bool:
        every = self._intervals[name]
        return every is not None and self.state.step % every == 0

    def validates(self) -> bool:
        return self._due("validate") and self.kid.sensor("val") is not None

    def saves(self) -> bool:
        return self._due("checkpoint")

    def ends_epoch(self) -> bool:
        return self.state.step % self.epoch_steps == 0

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return self.state.step // self.epoch_steps

    def spans(self) -> Reader[Span]:
        """The spans that remain, read ahead where the data pipeline finds it worth while."""
        row_bytes = sum(
            int(np.prod(spec.row, dtype=np.int64)) * np.dtype(spec.dtype).itemsize for spec in self.train.spec.values()
        )
        fitting = SPAN_BYTES // max(1, row_bytes * self.train.batch_size)
        bundle = max(1, min(self.kid.plan.bundle, fitting))
        watchers = [bundle_looks(bundle, self.epoch_steps), *map(looks, self._intervals.values())]
        watchers += [observer.next_look for observer in self.kid.observers]
        self._reader = self.train.spans(spans(self.state.step, self.limit, watchers, self.train.uniform))
        return self._reader

    def learning_rates(self, first_step: int, count: int) -> np.ndarray:
        """The learning rate of each of `count` steps: float64."""
        rate = self.kid.config.optimizer.learning_rate
        if not isinstance(rate, Schedule):
            return np.full(count, rate, dtype=np.float64)
        horizon, state = Horizon(self.state.horizon, self.epoch_steps), self.state.schedule_at(first_step)
        steps = range(first_step, first_step + count)
        return np.array([rate.at(step, horizon, state) for step in steps], dtype=np.float64)

    # -- what the loop reports

    def advance(self, span: Span, result: SpanResult) -> None:
        """Take the result of a span. Raises `NonFiniteError` where the objective is not finite."""
        finite = np.isfinite(result.objective)
        if not finite.all():
            raise_non_finite(self, span.first_step + int(np.argmin(finite)))
        if span.first_step % self.epoch_steps == 0:
            self.state.epoch_tally.clear()
        self.state.step = span.first_step + span.steps
        measures = self.strategy.reduce(result.measures)
        self.state.epoch_tally.add(measures)
        self.state.log_tally.add(measures)
        self._rows += span.weights.size
        if self.ends_epoch():
            self.state.train = self.state.epoch_tally.values()

    def log_values(self) -> Values:
        """The figures since the last log if it is time to log, else nothing."""
        if not self._due("log"):
            return {}
        now, waited = time.perf_counter(), self._reader.waited
        elapsed = max(now - self._since, 1e-9)
        values = {f"train/{name}": value for name, value in self.state.log_tally.values().items()}
        values["learning_rate"] = float(self.learning_rates(self.state.step - 1, 1)[0])
        values["examples_per_second"] = self._rows / elapsed
        values["data_wait"] = (waited - self._waited) / elapsed
        self.state.log_tally.clear()
        self._since, self._rows, self._waited = now, 0, waited
        return values

    def validate(self) -> bool:
        """Evaluate the validation split and remember it; True if it is the best so far."""
        values = self.state.val = evaluate(self.strategy, self.graph, self.kid.sensor("val"))
        rate, best = self.kid.config.optimizer.learning_rate, self.practice.best
        if isinstance(rate, Schedule):
            self.state.observe_schedule(rate.observe(self.state.schedules[-1][1], values))
        improved = False
        if best is not None:
            if best.metric not in values:
                raise ConfigurationError(
                    f"practice.best.metric is {best.metric!r}, but validation gives {', '.join(values)}."
                    f"{suggest(best.metric, values)}"
                )
            improved = self.state.observe_best(best, values)
            if improved and self.directory is None:
                self.state.best_params = self.strategy.gather()[0]
        self.emit("validate_end", {f"val/{name}": value for name, value in values.items()})
        return improved

    def emit(self, event: str, values: Values | None = None, **more: Any) -> None:
        """Call the life-cycle hook `akid_<event>` of the observers and plugins that this run lists."""
        moment = Moment(
            kid=self.kid,
            run_dir=self.directory.path if self.directory else None,
            step=self.state.step,
            epoch=self.epoch,
            limit=self.limit,
            values=values or {},
            **more,
        )
        getattr(self._relay.hook, f"akid_{event}")(context=moment)

    # -- checkpoints

    def save(self) -> None:
        """Write a checkpoint of the present step, unless there is one or the run has no directory."""
        if self.directory is None or (self.newest is not None and self._saved_step == self.state.step):
            return
        directory = self.directory
        written: list[Path] = []
        finite = True

        def write(params: Arrays, slots: Arrays) -> None:
            nonlocal finite
            finite = all(np.isfinite(value).all() for value in params.values() if value.dtype.kind == "f")
            if finite:
                written.append(write_checkpoint(directory.checkpoints, self.state.step, params, slots, self.to_json()))

        self.strategy.save(write)
        if not finite:
            raise_non_finite(self, self.state.step)
        for path in written:
            self.newest, self._saved_step = path, self.state.step
            best = directory.at_step(self.state.best_step) if self.state.best_step is not None else None
            prune(directory.checkpoints, self.practice.keep, protect={best.path} if best else set())
            self.emit("checkpoint_saved", checkpoint=path)

    def to_json(self) -> dict[str, Any]:
        """Everything that the next process needs to go on."""
        return {
            "akid": __version__,
            "step": self.state.step,
            "epoch": self.epoch,
            "position": self.state.step % self.epoch_steps * self.train.batch_size,
            "seed": self.kid.config.seed,
            "plan": self.kid.plan.to_json(),
            "brain": self.kid.brain_config(),
            "run": self.state.to_json(),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint."""
        self.kid.load(checkpoint)
        self.newest, self._saved_step = checkpoint.path, checkpoint.step

    def rewind(self, step: int) -> int:
        """Put the network back to the newest checkpoint not after `step`, else to the beginning; the step it is at."""
        kept = committed(self.directory.checkpoints) if self.directory else []
        usable = [checkpoint for checkpoint in kept if checkpoint.step <= step]
        if usable:
            self.strategy.load(lambda: (usable[-1].params(), usable[-1].slots()))
            return usable[-1].step
        since, params, slots = self._start or (0, self.kid.initial_params(), {})
        self.strategy.fill(params, slots)
        return since

    def finish(self, status: Status) -> Values:
        """Close the books: fresh validation figures, and those of the test split with the best parameters."""
        if not self.ends_epoch():
            self.state.train = self.state.epoch_tally.values()
        if status in ("interrupted", "preempted"):
            return {}
        if not self.validates() or not self.state.val:
            self.state.val = evaluate(self.strategy, self.graph, self.kid.sensor("val"))
        return self._test()

    def _test(self) -> Values:
        sensor = self.kid.sensor("test")
        best = self._best()
        if sensor is None or best is None:
            return evaluate(self.strategy, self.graph, sensor)
        last = self.strategy.network.read()
        self.strategy.network.fill(best)
        try:
            return evaluate(self.strategy, self.graph, sensor)
        finally:
            self.strategy.network.fill(last)

    def _best(self) -> Arrays | None:
        if self.state.best_step is None:
            return None
        if self.directory is None:
            return self.state.best_params
        checkpoint = self.directory.at_step(self.state.best_step)
        return checkpoint.params() if checkpoint else None
