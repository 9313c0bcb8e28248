"""A search space held against the description, before anything is started."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.dimensions import Coordinate, Dimension
from akid_core.bundled.tune.scores import Scores
from akid_core.bundled.tune.space import Space
from akid_core.config import encode
from akid_core.config.components import parameters
from akid_core.config.located import LocatedDict, Where
from akid_core.errors import AkidError, ConfigurationError, PluginError, UsageError, suggest
from akid_core.training.check import check
from akid_core.training.config import KidConfig
from akid_core.training.description import write_settings
from akid_core.training.kid import Kid
from akid_core.training.tally import figures, scalars


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
    """Read the description at the first point, and again for each choice and each end of a range.

    `data`: what the file of the space says, at `where`; `prunes`: whether the search needs intermediate values. Raises
    `ConfigurationError` with the file and the line of the dimension that does not fit, or that of the description where
    it is wrong by itself.
    """
    for dimension in space.dimensions:
        _check_name(dimension, description)
    first = space.first()
    kid = _kid(description, space.settings(first), lambda error: _culprit(space, description, first, error))
    _check_objective(space, kid, where.at(data, "objective"), data.get("objective"), prunes)
    if kid.config.backend is None:
        description = description.on(kid.backend_name)
    for dimension, coordinate in _others(space):
        point = {**first, dimension.name: coordinate}

        def blame(error: AkidError, dimension: Dimension = dimension, coordinate: Coordinate = coordinate) -> AkidError:
            return _blamed(dimension, coordinate, error)

        _kid(description, space.settings(point), blame)
    tracked = kid.config.practice.best
    registry = kid.registry
    listed = [encode(observer, registry) for observer in kid.config.observers if not isinstance(observer, Scores)]
    return Checked(
        description=description,
        described=write_settings(kid.config, kid.backend_name, registry),
        best=tracked is not None and (tracked.metric, tracked.mode) == (space.objective.metric, space.objective.mode),
        observers=f"observers={json.dumps([*listed, 'scores'])}",
    )


def _check_name(dimension: Dimension, description: Described) -> None:
    """Hold the first key of what varies against the template's variables and the settings of a run."""
    valid = [*description.known, *(name for name in parameters(KidConfig))]
    for coordinate in dimension.ends():
        for name in dimension.settings(coordinate):
            if name.partition(".")[0] not in valid or name in ("plugins", "akid"):
                there = f"variables {', '.join(description.known)}" if description.known else "no variables"
                raise ConfigurationError(
                    f"{dimension.place(coordinate, name)}: '{name}' is neither a variable of the template nor a "
                    f"setting of the description.{suggest(name, valid)} {description.name} has {there}; settings begin "
                    f"with {', '.join(parameters(KidConfig))}, such as optimizer.learning_rate."
                )


def _kid(description: Described, settings: Mapping[str, Any], blame: Any) -> Kid:
    """The Kid at a point, checked whole; where it is wrong, the error that `blame` makes of it."""
    try:
        kid = Kid.from_config(*description.read(settings))
        check(kid)
    except (ConfigurationError, PluginError, UsageError) as error:
        raise blame(error) from error
    return kid


def _culprit(space: Space, description: Described, first: Mapping[str, Coordinate], error: AkidError) -> AkidError:
    """The error of the first dimension with which the description goes wrong; the very error where none is needed."""
    settings: dict[str, Any] = {}
    try:
        description.read(settings)
    except AkidError as own:
        if not description.known:  # without its variables a template need not be sound
            return own
    for dimension in space.dimensions:
        settings |= dimension.settings(first[dimension.name])
        try:
            check(Kid.from_config(*description.read(settings)))
        except AkidError as found:
            if str(found) == str(error) or not description.known:
                return _blamed(dimension, first[dimension.name], found)
    return error


def _blamed(dimension: Dimension, coordinate: Coordinate, error: AkidError) -> AkidError:
    values = dimension.settings(coordinate)
    name = next((name for name in values if f"--set {name}=" in str(error)), next(iter(values), dimension.name))
    said = str(error).replace(f"--set {name}={json.dumps(values.get(name))}, ", "")
    return ConfigurationError(f"{dimension.place(coordinate, name)} = {json.dumps(values.get(name))}: {said}")


def _others(space: Space) -> Iterator[tuple[Dimension, Coordinate]]:
    for dimension in space.dimensions:
        for coordinate in dimension.ends()[1:]:
            yield dimension, coordinate


def _check_objective(space: Space, kid: Kid, where: Where, data: Any, prunes: bool) -> None:
    """Hold the metric against the figures of validation."""
    metric, known, numbers = space.objective.metric, figures(kid.graph), scalars(kid.graph)
    at = where.at(data, "metric") if isinstance(data, LocatedDict) else where
    if kid.sensor("val") is None:
        raise ConfigurationError(
            f"{where}: points are compared by validation, but the source has no val split. Hold some rows out: "
            "source: {held_out: {source: …, val: 0.1}}."
        )
    if metric not in known:
        raise ConfigurationError(
            f"{at}: validation gives no '{metric}'.{suggest(metric, known)} It gives {', '.join(known)}."
        )
    if metric not in numbers:
        raise ConfigurationError(
            f"{at}: '{metric}' is an array, and only numbers can be compared: take {' or '.join(numbers)}."
        )
    if prunes and kid.config.practice.validate_every == "never":
        raise ConfigurationError(
            f"{where}: a pruner needs intermediate values, but practice.validate_every is 'never'. Validate in "
            "between, or leave the pruner out."
        )
