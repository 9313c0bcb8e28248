"""Overrides: `--set optimizer.learning_rate=0.1` changes a description before it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from akid_core.config.located import LocatedDict, LocatedList
from akid_core.config.values import shown
from akid_core.config.yaml import parse
from akid_core.errors import UsageError, suggest
from akid_core.hookspecs import CATEGORIES
from akid_core.plugins import Registry, default_manager
from akid_core.specs.names import automatic_names, snake_case

SYSTEMS = ("system", "brain", "unroll", "repeat")
"""What Systems inside others are called in YAML."""


def apply_overrides(data: Mapping[str, Any], overrides: Iterable[str], registry: Registry | None = None) -> LocatedDict:
    """A copy of a description with some values replaced; `data` stays as it is.

    Each override is `key.key=value`, the value in YAML. The name of a component on the way is left out
    (`optimizer.learning_rate` finds `optimizer.adam.learning_rate`); an item of a list is named by its index from 0 or
    by its block's name (`brain.blocks.conv1.channels`). Raises `UsageError` for a path that leads nowhere.
    """
    names = component_names(registry or default_manager().registry)
    result: Any = data
    for override in overrides:
        path, sign, text = override.partition("=")
        keys = path.strip().split(".")
        if not sign or not all(keys):
            raise UsageError(f"--set {override}: write key.key=value, for example optimizer.learning_rate=0.1.")
        place = f"--set {override}"
        result = _Override(place, parse(text, place), names).replace(result, keys, "")
    return _located(result)


def component_names(registry: Registry) -> set[str]:
    """The names of all components, and those of Systems inside others."""
    return {*SYSTEMS, *(item.info.name for category in CATEGORIES for item in registry.infos(category))}


class _Override:
    """One replacement: containers on the way are copied, the rest is shared with the original."""

    def __init__(self, place: str, value: Any, components: set[str]) -> None:
        self._place = place
        self._value = value
        self._components = components

    def replace(self, data: Any, keys: list[str], path: str) -> Any:
        """`data`, which stands at `path`, with the value at `keys` replaced."""
        if not keys:
            return self._value
        if isinstance(data, Mapping):
            name = self._component(data) if path else None
            if name is not None and keys[0] not in data:
                return self._put(data, name, self.replace(data[name] or {}, keys, f"{path}.{name}"))
            return self._put(data, keys[0], self.replace(data.get(keys[0]), keys[1:], f"{path}.{keys[0]}"))
        if isinstance(data, list):
            index = self._index(data, keys[0], path)
            items = LocatedList(data, getattr(data, "places", [""] * len(data)))
            items[index] = self.replace(data[index], keys[1:], f"{path}[{index}]")
            items.places[index] = self._place
            return items
        if data is None:
            return self.replace({}, keys, path)
        if isinstance(data, str) and self._names_component(data):
            return self.replace({data: {}}, keys, path)
        raise UsageError(f"{self._place}: {path.lstrip('.')} is {shown(data)}, which has nothing called '{keys[0]}'.")

    def _put(self, data: Mapping[str, Any], key: str, value: Any) -> LocatedDict:
        places = dict(getattr(data, "places", {}))
        return LocatedDict({**data, key: value}, {**places, key: self._place}, getattr(data, "source", ""))

    def _component(self, data: Mapping[str, Any]) -> str | None:
        """The name, where a mapping is a component with its settings."""
        name, settings = next(iter(data.items())) if len(data) == 1 else ("", "")
        return name if self._names_component(name) and isinstance(settings, Mapping | None) else None

    def _names_component(self, name: str) -> bool:
        return name in self._components or ":" in name

    def _index(self, items: list[Any], key: str, path: str) -> int:
        """The index of an item by number or by the name of its block."""
        if key.isdecimal() and int(key) < len(items):
            return int(key)
        names = automatic_names(map(self._item_name, items))
        if key in names:
            return names.index(key)
        raise UsageError(
            f"{self._place}: there is no '{key}' in {path.lstrip('.')}.{suggest(key, names)} It has "
            f"{', '.join(names) or 'no items'}."
        )

    def _item_name(self, item: Any) -> tuple[str | None, str]:
        """What an item says of its name, and what it is called without one."""
        name = item if isinstance(item, str) else self._component(item) if isinstance(item, Mapping) else None
        if name is None:
            return None, "item"
        settings = item[name] if isinstance(item, Mapping) else None
        given = settings.get("name") if isinstance(settings, Mapping) else None
        return (given if isinstance(given, str) else None), snake_case(name.rpartition(":")[2])


def _located(data: Mapping[str, Any]) -> LocatedDict:
    return data if isinstance(data, LocatedDict) else LocatedDict(data, {})
