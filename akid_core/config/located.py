"""Where things were written: mappings and lists that remember file and line, and the place that a message names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class LocatedDict(dict[str, Any]):
    """A mapping that knows where each of its keys was written; equal to any mapping of the same content.

    `source`: the file or text as a whole.
    """

    def __init__(self, items: Mapping[str, Any], places: Mapping[str, str], source: str = "") -> None:
        super().__init__(items)
        self.places = dict(places)
        self.source = source


class LocatedList(list[Any]):
    """A list that knows where each of its items was written; equal to any list of the same content."""

    def __init__(self, items: list[Any], places: list[str]) -> None:
        super().__init__(items)
        self.places = list(places)


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a description, for messages: `train.yaml, line 12, brain.blocks[3].conv2d.channels`.

    `path`: the keys that lead there. `place`: where it was written, empty for what was made in Python.
    """

    path: str = ""
    place: str = ""

    @classmethod
    def of(cls, where: Where | str, data: Any = None) -> Where:
        """The place of `data` at a path; of a whole file where neither says more."""
        where = cls(where) if isinstance(where, str) else where
        return cls("", data.source) if where == cls() and isinstance(data, LocatedDict) else where

    def at(self, container: Any, key: str | int) -> Where:
        """The place of one key of a mapping, or one item of a list, that stands here."""
        if isinstance(key, int):
            path = f"{self.path}[{key}]"
            known = isinstance(container, LocatedList) and key < len(container.places)
        else:
            path = f"{self.path}.{key}" if self.path else key
            known = isinstance(container, LocatedDict) and key in container.places
        return Where(path, container.places[key] if known else self.place)

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.place, self.path))) or "the description"
