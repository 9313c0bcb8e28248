"""Ledger: what is known of points and trials; it is made of the journal's records, and makes them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from akid_core.bundled.tune.journal import Journal
from akid_core.bundled.tune.search import Ending
from akid_core.bundled.tune.space import Point, Space

TrialStatus = Literal["done", "stopped_early", "failed", "pruned"]


@dataclass(frozen=True, order=True)
class TrialId:
    """One repeat of one point: a run directory. Points and repeats count from 0."""

    point: int
    repeat: int

    def __str__(self) -> str:
        return f"{self.point:04d}-{self.repeat}"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of a trial, for good. `value`: of the objective; None where it failed. `seconds`: of all its processes,
    each from start to exit. The figures are those that `akid practice` gave."""

    status: TrialStatus
    value: float | None
    seed: int
    seconds: float
    step: int | None = None
    epoch: int | None = None
    train: Mapping[str, Any] = field(default_factory=dict)
    val: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came of a point: the mean of the objective over the repeats that have a value, and their deviation.

    `deviation`: of a sample, with n - 1; None for less than two values.
    """

    ending: Ending
    mean: float | None
    deviation: float | None
    values: tuple[float, ...]


class Ledger:
    """Points by number and ended trials, in step with the journal."""

    def __init__(self, space: Space, journal: Journal) -> None:
        self.space = space
        self.points: dict[int, Point] = {}
        self.ended: dict[TrialId, Ended] = {}
        self.seconds: dict[TrialId, float] = {}
        self.begun: dict[TrialId, Mapping[str, Any]] = {}
        self._journal = journal
        self.history: list[tuple[Literal["point", "ended"], int]] = []
        for record in journal.read():
            self._take(record)

    def add_point(self, number: int, point: Point) -> None:
        self._write(record="point", point=number, coordinates=dict(point))

    def begin(self, trial: TrialId, *, slot: int, at: float) -> None:
        """A process of a trial starts. `at`: in seconds since 1970."""
        self._write(record="begun", **asdict(trial), slot=slot, at=at)

    def leave(self, trial: TrialId, *, reason: str, seconds: float) -> None:
        """A process of a trial went away before its end; another one goes on."""
        self._write(record="left", **asdict(trial), reason=reason, seconds=seconds)

    def end(self, trial: TrialId, ended: Ended) -> None:
        self._write(record="ended", **asdict(trial), **asdict(ended))

    def open_trials(self) -> list[TrialId]:
        """The trials of known points that have not ended, in order; those that never began are among them."""
        every = [TrialId(point, repeat) for point in sorted(self.points) for repeat in range(self.space.repeats)]
        return [trial for trial in every if trial not in self.ended and not self.given_up(trial.point)]

    def given_up(self, point: int) -> bool:
        """Whether a repeat of the point was pruned, and so the whole point."""
        first = self.ended.get(TrialId(point, 0))
        return first is not None and first.status == "pruned"

    def blames(self, point: int) -> bool:
        """Whether what cannot be run is this point, and not the description: others have run, and it never has."""
        well = {trial.point for trial, end in self.ended.items() if end.status != "failed"}
        return bool(well) and point not in well

    def summary(self, point: int) -> Summary | None:
        """What came of a point; None while a repeat is missing."""
        found = [self.ended.get(TrialId(point, repeat)) for repeat in range(self.space.repeats)]
        trials = [trial for trial in found if trial is not None]
        if len(trials) < self.space.repeats and not self.given_up(point):
            return None
        statuses = {trial.status for trial in trials}
        values = tuple(trial.value for trial in trials if trial.value is not None and trial.status != "failed")
        ending: Ending = "pruned" if "pruned" in statuses else "failed" if "failed" in statuses else "done"
        return Summary(
            ending=ending,
            mean=math.fsum(values) / len(values) if values else None,
            deviation=statistics.stdev(values) if len(values) > 1 else None,
            values=values,
        )

    def ranking(self) -> list[tuple[int, Summary | None]]:
        """All points: the best first, then those without a place: pruned, failed, unfinished."""
        order = {"done": 0, "pruned": 1, "failed": 2}
        found = [(point, self.summary(point)) for point in self.points]

        def key(item: tuple[int, Summary | None]) -> tuple[int, float, int]:
            point, summary = item
            if summary is None:
                return 3, 0.0, point
            mean = math.inf if summary.mean is None else self.space.objective.key(summary.mean)
            return order[summary.ending], mean, point

        return sorted(found, key=key)

    def _write(self, **record: Any) -> None:
        self._journal.append(**record)
        self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        data = dict(record)
        match data.pop("record"):
            case "point":
                self.points[data["point"]] = data["coordinates"]
                self.history.append(("point", data["point"]))
                return
            case "begun":
                self.begun[_trial(data)] = data
            case "left":
                trial = _trial(data)
                self.seconds[trial] = self.seconds.get(trial, 0.0) + data["seconds"]
            case "ended":
                trial = _trial(data)
                whole = self.summary(trial.point) is not None  # repeats of a point that was given up may follow
                self.ended[trial] = Ended(**data)
                if not whole and self.summary(trial.point) is not None:
                    self.history.append(("ended", trial.point))


def _trial(data: dict[str, Any]) -> TrialId:
    return TrialId(data.pop("point"), data.pop("repeat"))
