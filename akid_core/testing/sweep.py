"""Parity sweeps: random configurations of a family of layers, drawn from a seed, and how far a backend is off.

Every configuration is a `Trial`. Many of them are one network, so that a backend which traces or compiles does so
once for a chunk. Errors are ratios of norms, float32 on the backend against float64 on the referee.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from akid_core.backends.contract import Backend
from akid_core.specs.layer import Metric
from akid_core.specs.precision import Precision
from akid_core.testing.draw import FAMILIES
from akid_core.testing.group import Errors, Group
from akid_core.testing.referee import FLOAT32, Trial

FORWARD, GRADIENT = 1e-5, 1e-4
"""The goals in float32."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest error of one layer in a sweep, what it was found in, and how many configurations were tried."""

    error: float
    what: str
    trials: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Errors by what was compared: `forward` and `gradient` (which includes new state), and the trials by name."""

    trials: dict[str, Trial]
    forward: Errors
    gradient: Errors

    def worst(self, errors: Errors) -> dict[str, Worst]:
        """The largest error by layer."""
        found: dict[str, Worst] = {}
        for name, trial in self.trials.items():
            layer = trial.layer.component()
            own = {what: error for what, error in errors.items() if what.split(" ")[0] == name}
            what = max(own, key=lambda key: own[key], default="")
            before = found.get(layer, Worst(0.0, "", 0))
            worse = own.get(what, 0.0) > before.error
            error, described = (own[what], f"{what}: {trial.layer}") if worse else (before.error, before.what)
            found[layer] = Worst(error, described, before.trials + 1)
        return found

    def failures(self) -> dict[str, float]:
        """Everything that misses its goal, by layer and configuration."""
        missed = {what: error for what, error in self.forward.items() if not error <= FORWARD}
        missed |= {what: error for what, error in self.gradient.items() if not error <= GRADIENT}
        return {f"{what}: {self.trials[what.split(' ')[0]].layer}": error for what, error in missed.items()}


def draw(family: str, count: int, seed: int = 0) -> dict[str, Trial]:
    """`count` trials of a family by name; trial number k depends on the seed, the family and k alone."""
    make = FAMILIES[family]
    numbers = range(count)
    return {
        f"{family}-{number}": make(np.random.default_rng((seed, sum(map(ord, family)), number)), number)
        for number in numbers
    }


def sweep(
    backend: Backend, family: str, count: int, *, seed: int = 0, chunk: int = 25, precision: Precision = FLOAT32
) -> Sweep:
    """Compare `count` configurations of a family with the referee, `chunk` of them in one network."""
    trials = draw(family, count, seed)
    forward: Errors = {}
    gradient: Errors = {}
    for group in _groups(trials, chunk):
        for training in (False, True):
            mode = "training" if training else "evaluating"
            wrong = group.forward_errors(backend, precision, training=training)
            forward |= {f"{what}, {mode}": error for what, error in wrong.items()}
        differentiable = {name: trial for name, trial in group.trials.items() if not isinstance(trial.layer, Metric)}
        if differentiable:
            part = Group(trials=differentiable)
            gradient |= part.gradient_errors(backend, precision) | part.update_errors(backend, precision)
    return Sweep(trials, forward, gradient)


def _groups(trials: dict[str, Trial], chunk: int) -> Iterator[Group]:
    """Trials of one number of rows together, at most `chunk` at once."""
    by_rows: dict[int, dict[str, Trial]] = {}
    for name, trial in trials.items():
        by_rows.setdefault(trial.batch, {})[name] = trial
    for alike in by_rows.values():
        names = list(alike)
        for start in range(0, len(names), chunk):
            yield Group(trials={name: alike[name] for name in names[start : start + chunk]})
