"""Dimensions: what varies, and between what."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from akid_core.config import Where, decode_settings
from akid_core.config.values import shown, unlocated
from akid_core.errors import ConfigurationError
from akid_core.plugins import Registry

Coordinate = int | float
"""Where a point lies along a dimension: the index of a choice, else the value itself."""


class Range(ABC):
    """The values of a dimension."""

    @abstractmethod
    def at(self, fraction: float) -> Coordinate:
        """The coordinate at a fraction, in [0, 1), of the range; equal parts of it are equally likely."""

    @abstractmethod
    def grid(self) -> Sequence[Coordinate]:
        """The coordinates that a grid takes. Raises `ValueError` where nobody said which."""

    def value(self, coordinate: Coordinate) -> Any:
        """What stands at a coordinate."""
        return coordinate


@dataclass(frozen=True, kw_only=True)
class Choices(Range):
    """One of some values: `[adam, sgd]`, or `{choices: [adam, sgd]}`."""

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.choices:
            raise ValueError("the choices are empty: give at least one value")

    def at(self, fraction: float) -> int:
        return int(fraction * len(self.choices))

    def grid(self) -> Sequence[int]:
        return range(len(self.choices))

    def value(self, coordinate: Coordinate) -> Any:
        return self.choices[int(coordinate)]


@dataclass(frozen=True, kw_only=True)
class Uniform(Range):
    """Numbers from one to another, `{uniform: [0, 0.5]}`; a grid takes `count` of them at equal distances."""

    uniform: tuple[float, float]
    count: int | None = None

    def __post_init__(self) -> None:
        _check_ends("uniform", self.uniform)
        _check_count(self.count)

    def at(self, fraction: float) -> float:
        low, high = self.uniform
        return low + fraction * (high - low)

    def grid(self) -> Sequence[float]:
        return [self.at(fraction) for fraction in _fractions(self.count)]


@dataclass(frozen=True, kw_only=True)
class Log(Range):
    """Positive numbers whose logarithm is uniform, `{log: [1e-4, 1e-1]}`; a grid takes `count` at equal factors."""

    log: tuple[float, float]
    count: int | None = None

    def __post_init__(self) -> None:
        _check_ends("log", self.log)
        if self.log[0] <= 0:
            raise ValueError(f"log needs positive ends, got {self.log[0]:g}")
        _check_count(self.count)

    def at(self, fraction: float) -> float:
        low, high = self.log
        value = low * math.pow(high / low, fraction)
        return min(max(value, low), high)  # rounding must not leave the range

    def grid(self) -> Sequence[float]:
        return [self.at(fraction) for fraction in _fractions(self.count)]


@dataclass(frozen=True, kw_only=True)
class Integer(Range):
    """Integers from one to another, both included: `{integer: [16, 128], step: 16}`; a grid takes all.

    `log`: smaller ones are likelier, as their logarithm is uniform; it goes with a step of 1.
    """

    integer: tuple[int, int]
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        low, high = self.integer
        _check_ends("integer", self.integer)
        if self.step < 1:
            raise ValueError(f"step must be at least 1, got {self.step}")
        if (high - low) % self.step:
            raise ValueError(
                f"steps of {self.step} lead from {low} to {high - (high - low) % self.step} and not to {high}"
            )
        if self.log and (low < 1 or self.step > 1):
            raise ValueError("log needs ends of at least 1, and no step")

    def at(self, fraction: float) -> int:
        low, high = self.integer
        if self.log:
            return min(int(low * ((high + 1) / low) ** fraction), high)
        return low + self.step * int(fraction * ((high - low) // self.step + 1))

    def grid(self) -> Sequence[int]:
        low, high = self.integer
        return range(low, high + 1, self.step)


RANGES: dict[str, type[Range]] = {"choices": Choices, "uniform": Uniform, "integer": Integer, "log": Log}
"""The ranges by the key that tells them; `log` is last, as an integer may have that key, too."""


@dataclass(frozen=True)
class Dimension:
    """What varies: a variable of the template or a setting, `name`; or a list of parameter sets that is called so.

    `sets`: the values are mappings of variables and settings. `where`, `written`: where it stands in the file, and how.
    """

    name: str
    range: Range
    sets: bool = False
    where: Where = field(default_factory=Where, compare=False)
    written: Any = field(default=None, compare=False, repr=False)

    def settings(self, coordinate: Coordinate) -> dict[str, Any]:
        """Variables and settings by name, as they are at a coordinate."""
        value = self.range.value(coordinate)
        return dict(value) if self.sets else {self.name: value}

    def label(self, coordinate: Coordinate) -> str:
        """A coordinate for people: the value, or a set as `depth=2, width=16`; the list's own name is left out."""
        settings = self.settings(coordinate)
        if list(settings) == [self.name]:
            return brief(settings[self.name])
        return brief({key.rpartition(".")[2]: value for key, value in settings.items()}) or "as it is"

    def ends(self) -> Sequence[Coordinate]:
        """Coordinates that stand for all: every choice, or both ends of a range."""
        if isinstance(self.range, Choices):
            return self.range.grid()
        return [self.range.at(0.0), self.range.at(math.nextafter(1.0, 0.0))]

    def place(self, coordinate: Coordinate, key: str) -> Where:
        """Where the value at a coordinate is written; of a parameter set, that of a key."""
        if not isinstance(self.range, Choices):
            return self.where
        index, where = int(coordinate), self.where
        items = self.written
        if isinstance(items, Mapping):
            items, where = items["choices"], where.at(items, "choices")
        where = where.at(items, index)
        return where.at(items[index], key) if self.sets else where

    def grid(self) -> Sequence[Coordinate]:
        """The coordinates that a grid takes. Raises `ConfigurationError` where the file does not say which."""
        try:
            return self.range.grid()
        except ValueError as error:
            raise ConfigurationError(f"{self.where}: {error}.") from error


def brief(value: Any) -> str:
    """A value for people: four digits of a number, and a component as `sgd(momentum=0.9)`."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(inner := next(iter(value.values())), Mapping):
            return f"{next(iter(value))}({brief(inner)})"
        return ", ".join(f"{key}={brief(item)}" for key, item in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def read_dimension(name: str, data: Any, registry: Registry, where: Where) -> Dimension:
    """A dimension of the search space as the file has it: a list of choices, or a range."""
    written = data
    if isinstance(data, list):
        data = {"choices": data}
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            f"{where}: expected a list of choices, or a range such as {{uniform: [0, 1]}}, got {shown(data)}."
        )
    found = next((cls for key, cls in RANGES.items() if key in data), None)
    if found is None:
        raise ConfigurationError(
            f"{where}: a range is one of {', '.join(RANGES)}, such as {{log: [1e-4, 1e-1]}}; got {shown(data)}."
        )
    if found is Choices and not isinstance(data["choices"], list):
        raise ConfigurationError(
            f"{where.at(data, 'choices')}: expected a list of choices, got {shown(data['choices'])}."
        )
    return Dimension(name, decode_settings(found, data, registry, where), where=where, written=written)


def read_sets(name: str, data: Any, where: Where) -> Dimension:
    """A list of parameter sets, each a mapping of variables and settings."""
    if not isinstance(data, list) or not data:
        raise ConfigurationError(f"{where}: expected a list of parameter sets, such as [{{depth: 2}}, {{depth: 4}}].")
    for index, item in enumerate(data):
        if not isinstance(item, Mapping):
            raise ConfigurationError(
                f"{where.at(data, index)}: expected a parameter set (name: value), got {shown(item)}."
            )
    return Dimension(name, Choices(choices=tuple(map(unlocated, data))), sets=True, where=where, written=data)


def _check_ends(name: str, ends: tuple[float, float]) -> None:
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{name} goes from a lower to a higher number, got {low:g} and {high:g}")


def _check_count(count: int | None) -> None:
    if count is not None and count < 2:
        raise ValueError(f"count must be at least 2, the ends, got {count}")


def _fractions(count: int | None) -> list[float]:
    if count is None:
        raise ValueError("a grid needs to know how many values to take from this range: add count, or list the choices")
    return [index / (count - 1) for index in range(count)]
