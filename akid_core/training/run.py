"""Run: one practice under way, its state, and who looks when."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from akid_core.backends.contract import SpanResult
from akid_core.checkpoints import Checkpoint
from akid_core.data.batch import Span
from akid_core.data.prefetch import Reader
from akid_core.observers.moment import Moment
from akid_core.schedules.base import Horizon
from akid_core.training.books import books, check_data, data_of, restore_observers
from akid_core.training.directory import RunDirectory
from akid_core.training.evaluate import evaluate
from akid_core.training.interval import bundle_looks, in_steps, looks, spans
from akid_core.training.keeper import Keeper
from akid_core.training.notes import run_notes
from akid_core.training.pace import Pace
from akid_core.training.rates import learning_rates, loss_weights, observed
from akid_core.training.replay import raise_non_finite
from akid_core.training.report import tell, warn
from akid_core.training.result import PracticeResult, Status, Values

if TYPE_CHECKING:
    from akid_core.training.kid import Kid

SPAN_BYTES = 64 << 20
"""A span's data stay below this, whatever the bundle: it bounds memory and the wait for a signal."""


class Run:
    """Binds a Kid's live network, its data and a directory, and keeps the books of the loop."""

    def __init__(
        self,
        kid: Kid,
        limit: int,
        relay: Any,
        begun: float,
        directory: RunDirectory | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.kid, self.limit, self.directory, self._relay, self._begun = kid, limit, directory, relay, begun
        self._data = data_of(kid)
        if checkpoint is not None:
            check_data(checkpoint, self._data)
            kid.load(checkpoint)
            restore_observers(checkpoint, kid)
        self.practice = kid.config.practice
        self.strategy, self.graph, self.state = kid.strategy, kid.graph, kid.state
        self.train = kid.train_sensor
        self.epoch_steps = self.train.steps_per_epoch
        notes = tuple(run_notes(kid, checkpoint.state if checkpoint else None))
        known = {*kid.notes, self.state.started if checkpoint else ""}  # a resumed run does not start from them again
        for note in notes:
            if note not in known:
                tell(note)
        kid.notes = notes
        self.keeper = Keeper(directory, self.strategy, self.state, checkpoint, kid.averages)
        self._pace = Pace()
        self._reader: Reader[Span]
        self._intervals = {
            name: in_steps(getattr(self.practice, f"{name}_every"), self.epoch_steps)
            for name in ("log", "validate", "checkpoint")
        }

        idle = limit > self.state.horizon and not self.learning_rates(self.state.horizon, 1).any()
        if idle and self.state.horizon:
            warn(
                f"The limit of {limit} steps goes past the {self.state.horizon} that were planned, after which the "
                "schedule's learning rate is 0: plan longer with practice.epochs or practice.steps."
            )

    # -- time

    def _due(self, name: str) -> bool:
        every = self._intervals[name]
        return every is not None and self.state.step % every == 0

    def validates(self) -> bool:
        return self._due("validate") and self.kid.sensor("val") is not None

    def saves(self) -> bool:
        return self._due("checkpoint")

    def stops(self) -> bool:
        return self.state.exhausted(self.practice.best)

    def ends_epoch(self) -> bool:
        return self.state.step % self.epoch_steps == 0

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return self.state.step // self.epoch_steps

    def spans(self) -> Reader[Span]:
        """The spans that remain, read ahead where the data pipeline finds it worth while."""
        bundle = self._bundle()
        watchers = [bundle_looks(bundle, self.epoch_steps), *map(looks, self._intervals.values())]
        watchers += [observer.next_look for observer in self.kid.observers]
        self._reader = self.train.spans(spans(self.state.step, self.limit, watchers, self.train.uniform))
        return self._reader

    def _bundle(self) -> int:
        """The most steps of a span: one where a size is open, since batches may then differ in it."""
        specs = self.train.spec.values()
        if any(isinstance(size, str) for spec in specs for size in spec.shape[1:]):
            return 1
        row_bytes = sum(math.prod(spec.row) * np.dtype(spec.dtype).itemsize for spec in specs)
        return max(1, min(self.kid.plan.bundle, SPAN_BYTES // max(1, row_bytes * self.train.batch_size)))

    def learning_rates(self, first_step: int, count: int) -> np.ndarray:
        """The learning rate of each phase in each of `count` steps: (count, phases) float64."""
        steps, states = range(first_step, first_step + count), self.state.schedules_at(first_step)
        return learning_rates(self.kid.regime, steps, self._horizon, states)

    def take(self, span: Span) -> SpanResult:
        """Train the steps of a span."""
        rates = self.learning_rates(span.first_step, span.steps)
        steps = range(span.first_step, span.first_step + span.steps)
        return self.strategy.run(span, rates, loss_weights(self.kid.regime, steps, self._horizon))

    @property
    def _horizon(self) -> Horizon:
        return Horizon(self.state.horizon, self.epoch_steps)

    # -- what the loop reports

    def advance(self, span: Span, result: SpanResult) -> None:
        """Take the result of a span. Raises `NonFiniteError` where the objective is not finite."""
        finite = np.isfinite(result.objective)
        if not finite.all():
            raise_non_finite(self, span.first_step + int(np.argmin(finite)))
        if self.ends_epoch():
            self.state.epoch_tally.clear()
        self.state.step = span.first_step + span.steps
        measures = self.strategy.reduce(result.measures)
        self.state.epoch_tally.add(measures)
        self.state.log_tally.add(measures)
        self._pace.rows += span.weights.size
        if self.ends_epoch():
            self.state.train = self.state.epoch_tally.values(self.kid.loss_factors())

    def log_values(self) -> Values:
        """The figures since the last log if it is time to log, else nothing."""
        if not self._due("log"):
            return {}
        factors = self.kid.loss_factors()
        values = {f"train/{name}": value for name, value in self.state.log_tally.values(factors).items()}
        values |= self._rates() | {f"loss_weight/{name}": factor for name, factor in factors.items()}
        self.state.log_tally.clear()
        return values | self._pace.values(self._reader.waited)

    def _rates(self) -> Values:
        """The learning rate of the newest step; by phase where there are several."""
        names, rates = self.kid.regime.names, self.learning_rates(self.state.step - 1, 1)[0].tolist()
        if len(names) == 1:
            return {"learning_rate": rates[0]}
        return {f"learning_rate/{name}": rate for name, rate in zip(names, rates, strict=True)}

    def validating(self) -> AbstractContextManager[None]:
        """Inside, what reads the validation split stays from one validation to the next."""
        sensor = self.kid.sensor("val")
        return nullcontext() if sensor is None else sensor.again()

    def validate(self) -> bool:
        """Evaluate the validation split and remember it; True if it is the best so far."""
        values = self.state.val = self.kid.validate("val")
        if not math.isfinite(values.get("loss", 0.0)):
            warn("The loss over the val split is not finite: look at its data and labels.")
        best, state = self.practice.best, self.state
        state.observe_schedules(observed(self.kid.regime, state.schedules_at(state.step), values))
        improved = best is not None and self.state.observe_best(best, values)
        if improved:
            self.keeper.hold_best()
        self.emit("validate_end", {f"val/{name}": value for name, value in values.items()})
        return improved

    def emit(self, event: str, values: Values | None = None, **more: Any) -> None:
        """Call the life-cycle hook `akid_<event>` of the observers and plugins that this run lists."""
        hook = getattr(self._relay.hook, f"akid_{event}")
        if not hook.get_hookimpls():  # spans end thousands of times a second
            return
        moment = Moment(
            kid=self.kid,
            run_dir=self.directory.path if self.directory else None,
            step=self.state.step,
            epoch=self.epoch,
            limit=self.limit,
            values=values or {},
            **more,
        )
        hook(context=moment)

    def fail(self, error: BaseException) -> None:
        """Tell the observers of an error, which stays the one that is raised even if they fail themselves."""
        try:
            self.emit("practice_error", error=error)
        except Exception as another:
            error.add_note(f"Then an observer failed: {type(another).__name__}: {another}")

    # -- the books

    def save(self) -> None:
        """Make the present state the one to go back to: a checkpoint, or, without a directory, a copy in memory."""
        if self.directory is None:
            if self.saves():
                self.keeper.hold()
        elif self.keeper.path is None or self.keeper.step != self.state.step:
            if not self.keeper.write(self.directory, self.practice.keep, lambda: books(self.kid, self._data)):
                raise_non_finite(self, self.state.step)
            self.emit("checkpoint_saved", checkpoint=self.keeper.path)

    def finish(self, status: Status) -> PracticeResult:
        """Close the books; at a regular end with validation of the last parameters and the test of the best ones.

        These figures are no part of the run's state: with another limit they would not be taken here.
        """
        state, regular = self.state, status in ("done", "stopped_early")
        fresh = regular and not (self.validates() and state.val)
        return PracticeResult(
            status=status,
            step=state.step,
            epoch=self.epoch,
            train=dict(state.train) if self.ends_epoch() else state.epoch_tally.values(self.kid.loss_factors()),
            val=self.kid.validate("val") if fresh else dict(state.val),
            test=self._test() if regular else {},
            checkpoint=self.keeper.path,
            seconds=time.perf_counter() - self._begun,
        )

    def _test(self) -> Values:
        sensor = self.kid.sensor("test")
        best = self.keeper.best() if sensor is not None else None
        if best is None:
            return self.kid.validate("test")
        network = self.strategy.network
        last = network.read()
        network.fill(best)
        try:
            return evaluate(self.strategy, self.graph, sensor)
        finally:
            network.fill(last)
