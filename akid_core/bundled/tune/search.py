"""Search: which points of a space are tried. It is asked for a point, and told what came of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np

from akid_core.bundled.tune.space import MOST, Point, Space, settings_of
from akid_core.config import Where
from akid_core.errors import ConfigurationError, suggest
from akid_core.random import derive_key, host_uniform

Ending = Literal["done", "failed", "pruned"]
"""How a point ended: measured, without a value, or given up for its intermediate values."""


class Search(ABC):
    """Points by number, from 0. When a search goes on, the same calls are made again in their order.

    `prunes`: whether it wants to hear of intermediate values.
    """

    prunes = False

    @abstractmethod
    def ask(self, number: int, given: Point | None = None) -> Point | None:
        """The point of a number, None where there are no more. `given`: what it was when it was asked before."""

    def tell(self, number: int, ending: Ending, value: float | None) -> None:
        """Hear how a point ended, with the mean of the objective over its repeats."""
        return

    def report(self, number: int, look: int, value: float) -> bool:
        """Hear of the objective at a validation, the first being number 1; whether the point is given up."""
        return False


class Grid(Search):
    """Every point of the space, in order."""

    def __init__(self, space: Space) -> None:
        settings_of(space.search, {})
        self._space, self._size, most = space, space.grid_size(), space.points or MOST
        if self._size > most:
            counts = ", ".join(f"{dimension.name} {len(dimension.grid())}" for dimension in space.dimensions)
            limit = "which points says" if space.points else "the most without points"
            written = space.search.where if space.search.where != Where() else space.dimensions[0].where
            raise ConfigurationError(
                f"{written}: the grid has {self._size:,} points ({counts}), more than {most}, {limit}. Vary "
                f"less, take points at random (search: random, points: {most}), or ask for all (points: {self._size})."
            )

    def ask(self, number: int, given: Point | None = None) -> Point | None:
        return self._space.grid(number) if number < self._size else None


class Random(Search):
    """Points drawn at random: a function of the seed, the dimension and the number of the point, and nothing else."""

    def __init__(self, space: Space) -> None:
        settings_of(space.search, {})
        self._space, self._size = space, points_of(space)

    def ask(self, number: int, given: Point | None = None) -> Point | None:
        if number >= self._size:
            return None
        return {
            dimension.name: dimension.range.at(
                float(host_uniform(derive_key(self._space.seed, "tune", dimension.name), np.array([number]))[0])
            )
            for dimension in self._space.dimensions
        }


def points_of(space: Space) -> int:
    """How many points a search without an end of its own takes. Raises `ConfigurationError` where nobody said."""
    if space.points is None:
        raise ConfigurationError(
            f"{space.search.where}: the search {space.search.name} has no end of its own: say how many points, such as "
            "points: 20."
        )
    return space.points


def make_search(space: Space) -> Search:
    """The search that a space asks for. Raises `ConfigurationError` for what it cannot do."""
    name = space.search.name
    if name == "optuna":
        from akid_core.bundled.tune.optuna_search import OptunaSearch

        return OptunaSearch(space)
    known: dict[str, type[Grid | Random]] = {"grid": Grid, "random": Random}
    if name not in known:
        valid = (*known, "optuna")
        raise ConfigurationError(
            f"{space.search.where}: there is no search '{name}'.{suggest(name, valid)} Known: {', '.join(valid)}."
        )
    return known[name](space)
