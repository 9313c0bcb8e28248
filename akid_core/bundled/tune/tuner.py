"""Tuner: keeps every slot busy with a trial, and writes down what comes of each."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from akid_core.bundled.tune.check import point_is_wrong
from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.directory import TuneDirectory
from akid_core.bundled.tune.ledger import Ended, Ledger, TrialId
from akid_core.bundled.tune.scores import read_scores
from akid_core.bundled.tune.search import Search
from akid_core.bundled.tune.slots import Slot, seats
from akid_core.bundled.tune.trial import Trial
from akid_core.bundled.tune.verdict import PAUSE, ended, judge, newest_step
from akid_core.errors import ConfigurationError
from akid_core.training.signals import SignalWatch

POLL = 0.02
"""Seconds between two looks at the processes."""

LISTEN = 0.2
"""Seconds between two looks at intermediate values."""

TRIES = 5
"""How often a process may go away before its run has got any further; then the trial has failed."""


@dataclass
class _Running:
    """A trial under way. `slot`: None where an earlier tuner with more slots started it."""

    trial: Trial
    slot: Slot | None
    looks: int = 0


class Tuner:
    """Binds a search, the description that it varies, a directory with its ledger, and slots.

    `best`: whether the runs track the objective themselves. `observers`: the override by which trials tell their
    intermediate values. `say`: tells people what happens.
    """

    def __init__(
        self,
        search: Search,
        description: Described,
        directory: TuneDirectory,
        ledger: Ledger,
        slots: list[Slot],
        *,
        best: bool,
        observers: str,
        say: Callable[[str], None],
    ) -> None:
        self._search, self._description, self._directory, self._ledger = search, description, directory, ledger
        self._space, self._best, self._say = ledger.space, best, say
        self._added = ["--set", observers] if search.prunes else []
        self._free = deque(slots)
        self._running: dict[TrialId, _Running] = {}
        self._waiting: list[tuple[float, TrialId]] = []
        self._fresh: deque[TrialId] = deque()
        self._tries: dict[TrialId, tuple[int, int]] = {}
        self._pruned: set[int] = set()
        self._listened = 0.0

    def run(self, signals: SignalWatch) -> None:
        """Search to the end, or until a signal; then the trials are told, save, and end.

        Raises `ConfigurationError` where a trial cannot be run as it is described; the others save first.
        """
        told = False
        try:
            self._recall()
            while True:
                self._collect()
                if signals.status is None:
                    self._fill()
                elif not told:
                    told = True
                    self._send(signal.SIGINT if signals.status == "interrupted" else signal.SIGTERM)
                if not self._running and (signals.status is not None or not self._waiting):
                    return
                time.sleep(POLL)
        except KeyboardInterrupt:
            self._send(signal.SIGKILL)
            raise
        except BaseException:
            self._send(signal.SIGTERM)
            while any(running.trial.poll() is None for running in self._running.values()):
                time.sleep(POLL)
            raise

    # -- going on with an earlier search

    def _recall(self) -> None:
        """Tell the search again what it knew, and sort out the trials that were under way."""
        for what, number in self._ledger.history:
            if what == "point":
                self._search.ask(number, self._ledger.points[number])
            else:
                for look, value in enumerate(self._scores(TrialId(number, 0)), 1):
                    self._search.report(number, look, value)
                self._tell(number)
        adopted: dict[TrialId, Trial] = {}
        for name in self._ledger.open_trials():
            begun, trial = self._ledger.begun.get(name), Trial(self._directory.trial(name))
            if begun is None:
                self._fresh.append(name)
            elif trial.adopt(begun["at"]):
                self._say(f"{name}  still practises, started by an earlier akid tune")
                adopted[name] = trial
            elif (code := trial.said()) is not None:
                self._conclude(name, _Running(trial, None), code)
            else:
                self._waiting.append((0.0, name))
        slots = seats((self._ledger.begun[name]["slot"] for name in adopted), self._free)
        for (name, trial), slot in zip(adopted.items(), slots, strict=True):
            self._running[name] = _Running(trial, slot)
        self._free = deque(slot for slot in self._free if slot not in slots)

    # -- starting

    def _fill(self) -> None:
        while self._free and (name := self._next()) is not None:
            slot, trial = self._free.popleft(), Trial(self._directory.trial(name))
            arguments = self._description.arguments(self._space.settings(self._ledger.points[name.point]))
            arguments += ["--seed", str(self._space.seeds[name.repeat]), *self._added]
            self._ledger.begin(name, slot=slot.number, at=time.time())
            if trial.start(arguments, slot):
                self._running[name] = _Running(trial, slot)
            else:
                self._free.append(slot)
                self._waiting.append((time.monotonic() + PAUSE, name))

    def _next(self) -> TrialId | None:
        """The trial to start now: one that goes on, the next repeat of a point, or the first of a new point."""
        now = time.monotonic()
        for index, (due, name) in enumerate(self._waiting):
            if due <= now:
                del self._waiting[index]
                return name
        if not self._fresh:
            number = len(self._ledger.points)
            point = self._search.ask(number)
            if point is None:
                return None
            self._ledger.add_point(number, point)
            self._fresh.extend(TrialId(number, repeat) for repeat in range(self._space.repeats))
        return self._fresh.popleft()

    # -- what becomes of them

    def _collect(self) -> None:
        listening = self._search.prunes and time.monotonic() - self._listened > LISTEN
        for name, running in list(self._running.items()):
            code = running.trial.poll()
            if code is not None:
                del self._running[name]
                if running.slot is not None:
                    self._free.append(running.slot)
                self._conclude(name, running, code)
            elif listening and name.repeat == 0 and name.point not in self._pruned:
                self._listen(name, running)
        if listening:
            self._listened = time.monotonic()

    def _listen(self, name: TrialId, running: _Running) -> None:
        """Hear of intermediate values, and give the whole point up where the search says so."""
        for value in self._scores(name)[running.looks :]:
            running.looks += 1
            if self._search.report(name.point, running.looks, value):
                self._pruned.add(name.point)
                self._fresh = deque(other for other in self._fresh if other.point != name.point)
                self._waiting = [(due, other) for due, other in self._waiting if other.point != name.point]
                self._send(signal.SIGTERM, name.point)
                return

    def _conclude(self, name: TrialId, running: _Running, code: int) -> None:
        """Write down what became of a process that ended."""
        trial, seed = running.trial, self._space.seeds[name.repeat]
        whole = trial.seconds + self._ledger.seconds.get(name, 0.0)
        if name.point in self._pruned:  # whatever the code: its other repeats are given up already
            scores = self._scores(name)
            self._end(name, ended("pruned", scores[-1] if scores else None, seed, whole, trial.result() or {}))
            return
        try:
            verdict = judge(trial, code, seed, whole, self._space.objective, self._best)
        except ConfigurationError as error:
            point = self._ledger.points[name.point]
            if self._ledger.blames(name.point) or point_is_wrong(self._space, self._description, point):
                self._end(name, ended("failed", None, seed, whole, trial.result() or {}, str(error)))
                return
            self._ledger.leave(name, reason=str(error), seconds=trial.seconds)
            raise ConfigurationError(
                f"The trial {name} cannot be run: {error} It was: akid practice "
                f"{' '.join(self._description.arguments(self._space.settings(point)))}"
            ) from error
        if isinstance(verdict, Ended):
            self._end(name, verdict)
            return
        self._ledger.leave(name, reason=verdict.reason, seconds=trial.seconds)
        step, (before, count) = newest_step(trial.directory), self._tries.get(name, (-1, 0))
        self._tries[name] = step, (count + 1 if step == before else 1)
        if self._tries[name][1] >= TRIES:
            self._end(name, ended("failed", None, seed, whole, {}, f"{verdict.reason}, {TRIES} times in a row"))
        else:
            self._say(f"{name}  {verdict.reason}, saved up to step {max(step, 0)}")
            self._waiting.append((time.monotonic() + verdict.pause, name))

    def _end(self, name: TrialId, end: Ended) -> None:
        known = len(self._ledger.history)
        self._ledger.end(name, end)
        said = f"{self._space.objective.metric} {end.value:.4g}" if end.value is not None else ""
        status = "" if end.status == "done" else end.status.replace("_", " ")
        self._say("  ".join(filter(None, (str(name), said, status, f"{end.seconds:.1f} s", end.error))))
        if len(self._ledger.history) > known:  # with it the point ended
            self._tell(name.point)

    def _tell(self, number: int) -> None:
        summary = self._ledger.summary(number)
        assert summary is not None, "a point is told of when it has ended"
        self._search.tell(number, summary.ending, summary.mean)

    def _scores(self, name: TrialId) -> list[float]:
        """The objective at each validation of a trial so far."""
        figure = f"val/{self._space.objective.metric}"
        return list(read_scores(self._directory.trial(name), figure).values()) if self._search.prunes else []

    def _send(self, number: signal.Signals, point: int | None = None) -> None:
        """Send a signal to all trials under way, or to those of a point."""
        for name, running in self._running.items():
            if point in (None, name.point):
                running.trial.send(number)
