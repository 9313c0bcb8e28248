"""RunState: everything of a practice that survives a step boundary, beside parameters and optimizer state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from akid_core.backends.contract import Arrays
from akid_core.graph.resolved import Graph
from akid_core.training.config import Best
from akid_core.training.rates import States
from akid_core.training.result import Values
from akid_core.training.tally import Tally

_PLAIN = ("step", "horizon", "best_value", "best_step", "waiting", "started", "train", "val")


class RunState:
    """Counts and memories of a run, saved in every checkpoint.

    `step`: finished steps. `horizon`: planned steps, fixed when the run began, for schedules. `best_value`,
    `best_step`: the best validation so far; `waiting`: validations since then. `train`, `val`: the newest figures.
    `epoch_tally`, `log_tally`: sums since the epoch and the log began. `started`: what weights it began with, in words.
    `read_best`: gives the best parameters (not saved).
    """

    def __init__(self, graph: Graph, horizon: int, schedules: States) -> None:
        self.step = 0
        self.horizon = horizon
        self.best_value: float | None = None
        self.best_step: int | None = None
        self.waiting = 0
        self.started = ""
        self.train: Values = {}
        self.val: Values = {}
        self.epoch_tally, self.log_tally = Tally(graph), Tally(graph)
        self.read_best: Callable[[], Arrays] | None = None
        self._schedules: list[tuple[int, States]] = [(0, schedules)]

    def schedules_at(self, step: int) -> States:
        """The states of the learning rates' schedules that held when step number `step` was taken.

        Of a step before the first that is remembered, the first.
        """
        return next((states for since, states in reversed(self._schedules) if since <= step), self._schedules[0][1])

    def observe_schedules(self, states: States) -> None:
        """The schedules' states from now on."""
        self._schedules.append((self.step, states))

    def forget_schedules(self) -> None:
        """Keep the present state alone: the run never goes back behind this step."""
        self._schedules = [(self.step, self._schedules[-1][1])]

    def observe_best(self, best: Best, values: Values) -> bool:
        """Take the values of a validation; True if they are the best so far."""
        value = values[best.metric]
        if best.improves(value, self.best_value):
            self.best_value, self.best_step, self.waiting = value, self.step, 0
            return True
        self.waiting += 1
        return False

    def exhausted(self, best: Best | None) -> bool:
        """Whether early stopping ends the practice."""
        return best is not None and best.patience is not None and self.waiting >= best.patience

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _PLAIN}
        tallies = [self.epoch_tally.to_json(), self.log_tally.to_json()]
        return {**plain, "schedules": self._schedules[-1][1], "tallies": tallies}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take over what `to_json` gave."""
        for name in _PLAIN:
            setattr(self, name, data.get(name, getattr(self, name)))  # an older version wrote fewer
        self.read_best = None
        self._schedules = [(self.step, data["schedules"] if "schedules" in data else [data["schedule"]])]
        self.epoch_tally.from_json(data["tallies"][0])
        self.log_tally.from_json(data["tallies"][1])
