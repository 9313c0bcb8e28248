"""Space: what `space.yaml` says of a search."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from akid_core.bundled.tune.dimensions import Coordinate, Dimension, read_dimension, read_sets
from akid_core.config import Where, decode_settings, load_yaml
from akid_core.config.components import check_keys, split, without
from akid_core.config.located import LocatedDict
from akid_core.config.values import shown, unlocated
from akid_core.errors import ConfigurationError
from akid_core.plugins import Registry, default_manager

SCHEMA = 1
"""The version of the schema of search spaces, its key `akid`."""

MOST = 256
"""The points of the largest grid that is taken without being asked for."""

Point = Mapping[str, Coordinate]
"""Where in the space: a coordinate for each dimension."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The figure of validation that is compared, and which way is better.

    Its value is the last one, or the best where the description tracks this very figure (`practice.best`).
    """

    metric: str = "loss"
    mode: Literal["min", "max"] = "min"

    def key(self, value: float) -> float:
        """A number that is lower for what is better."""
        return value if self.mode == "min" else -value


@dataclass(frozen=True)
class Part:
    """Something chosen by name, with settings: a search, or a sampler or pruner of Optuna."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    where: Where = field(default_factory=Where, compare=False)

    @classmethod
    def from_config(cls, data: Any, registry: Registry, where: Where) -> Self:
        """`name`, or `{name: {setting: value}}`."""
        return cls(*split("search", data, where))


class Sets(tuple[Dimension, ...]):
    """Lists of parameter sets by name; they are multiplied with each other and with all other dimensions."""

    @classmethod
    def from_config(cls, data: Any, registry: Registry, where: Where) -> Self:
        return cls(read_sets(name, value, place) for name, value, place in _items(data, where))


class Dimensions(tuple[Dimension, ...]):
    """Variables of the template and settings of the description, each with its choices or its range."""

    @classmethod
    def from_config(cls, data: Any, registry: Registry, where: Where) -> Self:
        return cls(read_dimension(name, value, registry, place) for name, value, place in _items(data, where))


@dataclass(frozen=True, kw_only=True)
class Space:
    """What varies, how it is searched, and what is compared.

    `lists`: parameter sets by the name of their list, such as `network` and `optimizer`. `space`: single dimensions.
    `points`: how many points are tried; of a grid, the most that it may have. `repeats`: how often each is practised,
    with the seeds `seed`, `seed + 1`, …; `seed` is also what the search draws from.
    """

    objective: Objective = field(default_factory=Objective)
    search: Part = field(default_factory=lambda: Part("grid"))
    lists: Sets = field(default_factory=Sets)
    space: Dimensions = field(default_factory=Dimensions)
    points: int | None = None
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ValueError(
                "nothing varies: give dimensions, space: {optimizer.learning_rate: {log: [1e-4, 1e-1]}}, or lists of "
                "parameter sets, lists: {network: [{depth: 2}, {depth: 4}]}"
            )
        self._check_names()

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """All that varies; lists come first, so that single dimensions may change what a set chose."""
        return (*self.lists, *self.space)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each repeat, the same for all points."""
        return tuple(range(self.seed, self.seed + self.repeats))

    def settings(self, point: Point) -> dict[str, Any]:
        """Variables and settings by name, as they are at a point."""
        found: dict[str, Any] = {}
        for dimension in self.dimensions:
            found |= dimension.settings(point[dimension.name])
        return found

    def first(self) -> dict[str, Coordinate]:
        """A point to look at the description with: the first end of each dimension."""
        return {dimension.name: dimension.ends()[0] for dimension in self.dimensions}

    def grid_size(self) -> int:
        """The number of points of the whole grid. Raises `ConfigurationError` for a range without a count."""
        return math.prod(len(dimension.grid()) for dimension in self.dimensions)

    def grid(self, number: int) -> dict[str, Coordinate]:
        """The point of a number of the grid; the last dimension varies fastest."""
        point: dict[str, Coordinate] = {}
        for dimension in reversed(self.dimensions):
            values = dimension.grid()
            number, index = divmod(number, len(values))
            point[dimension.name] = values[index]
        return {dimension.name: point[dimension.name] for dimension in self.dimensions}

    def _check_names(self) -> None:
        for index, one in enumerate(self.dimensions):
            keys = _keys(one)
            if "seed" in keys:
                raise ConfigurationError(
                    f"{one.where}: the seed is given by seed and repeats: take it out of what varies."
                )
            for other in self.dimensions[:index]:  # a list, as these come first and keys of YAML are unique
                if shared := sorted(keys & _keys(other)):
                    raise ConfigurationError(
                        f"{one.where}: '{shared[0]}' varies in the list {other.name} too: leave it in one of them."
                    )
                if one.name == other.name:
                    raise ConfigurationError(f"{one.where}: there is a list '{one.name}' too: call that differently.")


def read_space(path: str) -> tuple[Space, LocatedDict]:
    """The search space in a file, and what the file says with its positions.

    Raises `ConfigurationError` with file, line and key for what is wrong.
    """
    try:
        data = load_yaml(Path(path))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    return parse_space(data, Where(place=path)), data


def parse_space(data: LocatedDict, where: Where) -> Space:
    """The search space in data that stand at a place; errors as `read_space`."""
    version = data.get("akid")
    if version != SCHEMA or isinstance(version, bool):
        got = "is missing" if version is None else f"is {shown(version)}"
        raise ConfigurationError(
            f"{where.at(data, 'akid')}: the schema's version {got}; this akid-core reads akid: {SCHEMA}."
        )
    space: Space = decode_settings(Space, without(data, ("akid",)), default_manager().registry, where)
    for name in ("points", "repeats"):
        value = getattr(space, name)
        if value is not None and value < 1:
            raise ConfigurationError(f"{where.at(data, name)}: {name} must be at least 1, got {value}.")
    return space


def settings_of(part: Part, valid: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a part, its keys held against the valid ones. Raises `ConfigurationError` for another."""
    check_keys(part.settings, valid, part.where)
    return {name: unlocated(value) for name, value in part.settings.items()}


def _items(data: Any, where: Where) -> Iterator[tuple[str, Any, Where]]:
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{where}: expected a mapping (name: values), got {shown(data)}.")
    for name, value in data.items():
        yield name, value, where.at(data, name)


def _keys(dimension: Dimension) -> set[str]:
    return {key for coordinate in dimension.ends() for key in dimension.settings(coordinate)}
