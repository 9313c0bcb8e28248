"""Optuna's samplers and pruners as a search; imported when one is asked for."""

from __future__ import annotations

import inspect
import logging
import warnings
from typing import Any

from akid_core.bundled.tune.dimensions import Choices, Coordinate, Dimension, Integer, Log, Uniform
from akid_core.bundled.tune.search import Ending, Search, points_of
from akid_core.bundled.tune.space import Part, Point, Space, settings_of
from akid_core.errors import ConfigurationError, PluginImportError, suggest
from akid_core.plugins import default_manager
from akid_core.random import derive_word

try:
    import optuna
except ImportError as error:
    raise PluginImportError(
        "The search 'optuna' needs Optuna, which does not import: "
        f'{error}. Install it with: pip install "akid-core[tune]"'
    ) from error

SAMPLERS = {
    "tpe": "TPESampler",
    "cma_es": "CmaEsSampler",
    "gp": "GPSampler",
    "nsgaii": "NSGAIISampler",
    "qmc": "QMCSampler",
    "random": "RandomSampler",
}
PRUNERS = {
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "threshold": "ThresholdPruner",
}


class OptunaSearch(Search):
    """`{optuna: {sampler: tpe, pruner: median}}`: a study in memory, rebuilt by the same calls when a search goes on.

    Each point has a sampler of its own, seeded by the seed of the space and the number of the point, whose memory is
    the study: so a search that was killed proposes what it would have proposed.
    """

    def __init__(self, space: Space) -> None:
        settings_of(space.search, {"sampler": None, "pruner": None})
        settings, at, registry = space.search.settings, space.search.where, default_manager().registry
        sampler = Part.from_config(settings.get("sampler", "tpe"), registry, at.at(settings, "sampler"))
        self._space, self._size = space, points_of(space)
        self._sampler, self._sampler_settings = _choose("sampler", sampler, SAMPLERS, optuna.samplers)
        pruner: Any = optuna.pruners.NopPruner()
        if settings.get("pruner") is not None:
            part = Part.from_config(settings["pruner"], registry, at.at(settings, "pruner"))
            pruner = _made(part, *_choose("pruner", part, PRUNERS, optuna.pruners))
            self.prunes = True
        optuna.logging.set_verbosity(logging.ERROR)
        directions = optuna.study.StudyDirection
        direction = directions.MINIMIZE if space.objective.mode == "min" else directions.MAXIMIZE
        self._part = sampler
        self._study = optuna.create_study(direction=direction, pruner=pruner, sampler=self._sampler_for(0))
        self._trials: dict[int, Any] = {}

    def ask(self, number: int, given: Point | None = None) -> Point | None:
        if number >= self._size:
            return None
        if given is not None:
            self._study.enqueue_trial(dict(given))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a sampler is experimental
            self._study.sampler = self._sampler_for(number)
            try:
                trial = self._trials[number] = self._study.ask()
                return {dimension.name: _suggest(trial, dimension) for dimension in self._space.dimensions}
            except ImportError as error:
                raise PluginImportError(f"{self._part.where}: the sampler {self._part.name}: {error}") from error

    def tell(self, number: int, ending: Ending, value: float | None) -> None:
        states = optuna.trial.TrialState
        state = {"done": states.COMPLETE, "failed": states.FAIL, "pruned": states.PRUNED}[ending]
        self._study.tell(self._trials.pop(number), value if ending == "done" else None, state=state)

    def report(self, number: int, look: int, value: float) -> bool:
        trial = self._trials[number]
        trial.report(value, look)
        return bool(trial.should_prune())

    def _sampler_for(self, number: int) -> Any:
        # Quasi-random points are one sequence, which one seed scrambles.
        seed = derive_word(self._space.seed, "tune", *(() if self._part.name == "qmc" else (number,))) & 0x7FFFFFFF
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _made(self._part, self._sampler, {**self._sampler_settings, "seed": seed})


def _choose(noun: str, part: Part, known: dict[str, str], module: Any) -> tuple[Any, dict[str, Any]]:
    """The class of Optuna that a part names, and its settings; plain values are what it takes."""
    if part.name not in known:
        raise ConfigurationError(
            f"{part.where}: there is no {noun} '{part.name}'.{suggest(part.name, known)} Known: {', '.join(known)}."
        )
    cls = getattr(module, known[part.name])
    valid = [name for name in inspect.signature(cls).parameters if name != "seed"]
    return cls, settings_of(part, dict.fromkeys(valid))


def _made(part: Part, cls: Any, settings: dict[str, Any]) -> Any:
    try:
        return cls(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{part.where}: {part.name}: {error}") from error
    except ImportError as error:
        raise PluginImportError(f"{part.where}: {part.name}: {error}") from error


def _suggest(trial: Any, dimension: Dimension) -> Coordinate:
    match dimension.range:
        case Choices(choices=choices):
            found = trial.suggest_categorical(dimension.name, list(range(len(choices))))
        case Uniform(uniform=(low, high)):
            found = trial.suggest_float(dimension.name, low, high)
        case Log(log=(low, high)):
            found = trial.suggest_float(dimension.name, low, high, log=True)
        case Integer(integer=(low, high), step=step, log=log):
            found = trial.suggest_int(dimension.name, low, high, step=step, log=log)
        case other:
            raise ConfigurationError(f"{dimension.where}: Optuna cannot draw from {other!r}.")
    coordinate: Coordinate = found
    return coordinate
