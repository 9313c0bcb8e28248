"""A search space held against the description, before anything is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.dimensions import Coordinate, Dimension
from akid_core.bundled.tune.scores import Scores
from akid_core.bundled.tune.space import Point, Space
from akid_core.config import Where, encode
from akid_core.config.components import parameters
from akid_core.errors import AkidError, ConfigurationError, PluginError, UsageError, suggest
from akid_core.training.check import check
from akid_core.training.config import KidConfig
from akid_core.training.description import write_settings
from akid_core.training.kid import Kid
from akid_core.training.tally import figures, scalars

_WRONG = (ConfigurationError, PluginError, UsageError)
"""What a description that cannot be run raises."""


@dataclass(frozen=True)
class Checked:
    """What is known of the description at the first point.

    `description`: on the backend that was chosen where none is named. `described`: all of it, as YAML has it. `best`:
    whether it tracks the objective itself. `observers`: a text for `--set` that adds the observer by which intermediate
    values are heard of.
    """

    description: Described
    described: dict[str, Any]
    best: bool
    observers: str


def check_space(space: Space, data: Mapping[str, Any], where: Where, description: Described, prunes: bool) -> Checked:
    """Read the description at the first point, and again for each other choice and end of a range.

    `data`: what the file of the space says, at `where`; `prunes`: whether the search needs intermediate values. Raises
    `ConfigurationError` with the file and the line of the dimension that does not fit, or that of the description where
    it is wrong by itself.
    """
    for dimension in space.dimensions:
        _check_names(dimension, description)
    first = space.first()
    kid = _kid(description, space.settings(first), partial(_culprit, space, description, first))
    if kid.config.backend is None:
        description = description.on(kid.backend_name)
    _check_objective(space, kid, data, where, prunes)
    for dimension in space.dimensions:
        for coordinate in dimension.ends()[1:]:
            settings = space.settings({**first, dimension.name: coordinate})
            other = _kid(description, settings, partial(_blamed, dimension, coordinate))
            if space.objective.metric not in scalars(other.graph):
                raise _blamed(dimension, coordinate, _without_metric(space.objective.metric, scalars(other.graph)))
    tracked = kid.config.practice.best
    listed = [encode(observer, kid.registry) for observer in kid.config.observers if not isinstance(observer, Scores)]
    return Checked(
        description=description,
        described=write_settings(kid.config, kid.backend_name, kid.registry),
        best=tracked is not None and (tracked.metric, tracked.mode) == (space.objective.metric, space.objective.mode),
        observers=f"observers={json.dumps([*listed, Scores.component()])}",
    )


def point_is_wrong(space: Space, description: Described, point: Point) -> bool:
    """Whether the description cannot be run at a point, though it can at the first: then it is right by itself."""
    return _runs(space, description, space.first()) and not _runs(space, description, point)


def _runs(space: Space, description: Described, point: Point) -> bool:
    try:
        check(Kid.from_config(*description.read(space.settings(point))))
    except _WRONG:
        return False
    return True


def _check_names(dimension: Dimension, description: Described) -> None:
    """Hold what varies against the template's variables and the first keys of a description."""
    keys = [key for key in parameters(KidConfig) if key != "plugins"]  # these are read before anything else
    for coordinate in dimension.ends():
        for name in dimension.settings(coordinate):
            if name in description.stated:
                raise ConfigurationError(
                    f"{dimension.place(coordinate, name)}: '{name}' varies here, and the command line says what it is: "
                    "leave it out of --var and --set."
                )
            first = name.partition(".")[0]
            if name in description.known or first in keys:
                continue
            variables = ", ".join(description.known) or "none"
            raise ConfigurationError(
                f"{dimension.place(coordinate, name)}: '{name}' is neither a variable of the template nor a setting of "
                f"the description.{suggest(first, [*description.known, *keys])} Variables of {description.name}: "
                f"{variables}. Settings begin with {', '.join(keys)}, such as optimizer.learning_rate."
            )


def _kid(description: Described, settings: Mapping[str, Any], blame: Callable[[AkidError], AkidError]) -> Kid:
    """The Kid at a point, checked whole; where it is wrong, raises what `blame` makes of the error."""
    try:
        kid = Kid.from_config(*description.read(settings))
        check(kid)
    except _WRONG as error:
        raise blame(error) from error
    return kid


def _culprit(space: Space, description: Described, first: Mapping[str, Coordinate], error: AkidError) -> AkidError:
    """What to say where the first point is wrong: the description itself, or the first dimension that makes it so."""
    settings = {name: value for name, value in space.settings(first).items() if name in description.known}
    try:
        check(Kid.from_config(*description.read(settings)))
        for dimension in space.dimensions:
            settings |= dimension.settings(first[dimension.name])
            _kid(description, settings, partial(_blamed, dimension, first[dimension.name]))
    except _WRONG as found:
        return found
    return error


def _blamed(dimension: Dimension, coordinate: Coordinate, error: AkidError) -> AkidError:
    """The error with the place in the space's file instead of the override that stands for it."""
    settings = dimension.settings(coordinate)
    said = {name: f"--set {name}={json.dumps(value)}" for name, value in settings.items()}
    name = next((name for name, text in said.items() if text in str(error)), next(iter(settings), dimension.name))
    message = str(error).removeprefix(said.get(name, "")).lstrip(",: ")
    return ConfigurationError(
        f"{dimension.place(coordinate, name)}: {json.dumps(settings.get(name))} does not fit: {message}"
    )


def _check_objective(space: Space, kid: Kid, data: Mapping[str, Any], where: Where, prunes: bool) -> None:
    """Hold the metric against the figures of validation."""
    at, metric = where.at(data, "objective"), space.objective.metric
    known, numbers = figures(kid.graph), scalars(kid.graph)
    if kid.sensor("val") is None:
        raise ConfigurationError(
            f"{at}: points are compared by validation, but the source has no val split. Hold some rows out: "
            "source: {held_out: {source: …, val: 0.1}}."
        )
    if metric not in numbers:
        at = at.at(data.get("objective"), "metric")
        if metric in known:
            raise ConfigurationError(
                f"{at}: '{metric}' is an array, and only numbers can be compared: take {' or '.join(numbers)}."
            )
        raise ConfigurationError(f"{at}: {_without_metric(metric, known)}")
    if prunes and kid.config.practice.validate_every == "never":
        raise ConfigurationError(
            f"{at}: a pruner needs intermediate values, but practice.validate_every is 'never'. Validate now and then, "
            "or leave the pruner out."
        )


def _without_metric(metric: str, known: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(f"validation gives no '{metric}'.{suggest(metric, known)} It gives {', '.join(known)}.")
