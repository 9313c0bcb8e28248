"""Values: what a type hint accepts, read from plain data, and written as plain data."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from akid_core.config.located import Where
from akid_core.errors import ConfigurationError, PluginError, UnknownNameError, suggest
from akid_core.specs.names import snake_case

Nested = Callable[[Any, Any, Where], Any]
"""Reads what is itself a component or a group of settings: (class, data, where) -> object; or another type hint."""

_SCALARS: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((Integral,), "an integer"),
    float: ((Real,), "a number"),
    str: ((str,), "text"),
    Path: ((str, Path), "a path"),
    type(None): ((type(None),), "null"),
}


def read(hint: Any, data: Any, where: Where, nested: Nested) -> Any:
    """The value that `data` stands for where a field has the type `hint`.

    Integers are numbers, but truth values are neither; lists become tuples where the hint says so. Raises
    `ConfigurationError` with what was expected.
    """
    hint = getattr(hint, "__value__", hint)  # of an alias made by a `type` statement
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return unlocated(data)
    if hint in _SCALARS:
        return _scalar(hint, data, where)
    if origin is Literal:
        return _literal(arguments, data, where)
    if origin in (Union, types.UnionType):
        return _union(hint, arguments, data, where, nested)
    if origin in (tuple, list, Sequence, Collection) or hint in (tuple, list):
        return _list(hint, origin or hint, arguments, data, where, nested)
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return _mapping(hint, arguments or (str, Any), data, where, nested)
    return data if isinstance(hint, type) and isinstance(data, hint) else nested(hint, data, where)


def write(value: Any, where: Where, nested: Callable[[Any, Where], Any]) -> Any:
    """Plain data for a value. Raises `ConfigurationError` for what YAML cannot hold."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # a number of NumPy's
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [write(item, where.at(value, index), nested) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(key): write(item, where.at(value, str(key)), nested) for key, item in value.items()}
    return nested(value, where)


def unlocated(data: Any) -> Any:
    """The same data in plain dictionaries and lists."""
    if isinstance(data, Mapping):
        return {key: unlocated(value) for key, value in data.items()}
    return [unlocated(item) for item in data] if isinstance(data, list) else data


def describe(hint: Any) -> str:
    """What a type hint accepts, in words."""
    hint = getattr(hint, "__value__", hint)  # of an alias made by a `type` statement
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return _SCALARS[hint][1]
    if origin is Literal:
        return "one of " + ", ".join(map(repr, arguments)) if len(arguments) > 1 else repr(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if origin is tuple and Ellipsis not in arguments:
        return f"a list of {len(arguments)} ({', '.join(map(describe, arguments))})"
    if origin in (tuple, list, Sequence, Collection) and arguments:
        return f"a list (each {describe(arguments[0])})"
    if hint in (tuple, list):
        return "a list"
    if isinstance(origin or hint, type) and issubclass(origin or hint, Mapping):
        return "a mapping"
    return one(snake_case(getattr(hint, "__name__", str(hint))).replace("_", " "))


def one(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def shown(data: Any) -> str:
    """Data for a message, shortened."""
    text = "nothing" if data is None else repr(unlocated(data))
    return text if len(text) <= 80 else f"{text[:76]} ..."


def mismatch(hint: Any, data: Any, where: Where) -> ConfigurationError:
    return ConfigurationError(f"{where}: expected {describe(hint)}, got {shown(data)}.")


def _scalar(hint: Any, data: Any, where: Where) -> Any:
    accepted, _ = _SCALARS[hint]
    if (isinstance(data, bool) and hint is not bool) or not isinstance(data, accepted):
        raise mismatch(hint, data, where)
    return hint(data) if data is not None else None


def _literal(choices: tuple[Any, ...], data: Any, where: Where) -> Any:
    for choice in choices:
        if choice == data and type(choice) is type(data):
            return choice
    hint = suggest(data, filter(lambda choice: isinstance(choice, str), choices)) if isinstance(data, str) else ""
    raise ConfigurationError(f"{where}: expected {describe(Literal[choices])}, got {shown(data)}.{hint}")


def _union(hint: Any, choices: tuple[Any, ...], data: Any, where: Where, nested: Nested) -> Any:
    """The first choice that takes the data. If none does, the error of one that got further than the rest."""
    if data is None and type(None) in choices:
        return None
    further: ConfigurationError | PluginError | None = None
    for choice in choices:
        try:
            return read(choice, data, where, nested)
        except (ConfigurationError, PluginError) as error:
            inside = not str(error).startswith(f"{where}: ") or isinstance(error, UnknownNameError | PluginError)
            further = further or (error if inside else None)
    raise further or mismatch(hint, data, where)


def _list(hint: Any, origin: Any, items: tuple[Any, ...], data: Any, where: Where, nested: Nested) -> Any:
    if hasattr(data, "tolist"):  # an array stands for its numbers
        data = data.tolist()
    if not isinstance(data, list | tuple):
        raise mismatch(hint, data, where)
    plain = items in ((int, ...), (float, ...), (str, ...))
    if plain and all(type(value) is items[0] for value in data):  # perhaps a million of them: none needs a place
        return tuple(data)
    if origin is tuple and items and Ellipsis not in items:
        if len(data) != len(items):
            raise mismatch(hint, data, where)
        hints = list(items)
    else:
        hints = [items[0] if items else Any] * len(data)
    values = [
        read(item, value, where.at(data, index), nested)
        for index, (item, value) in enumerate(zip(hints, data, strict=True))
    ]
    return values if origin is list else tuple(values)


def _mapping(hint: Any, items: tuple[Any, ...], data: Any, where: Where, nested: Nested) -> dict[Any, Any]:
    if not isinstance(data, Mapping):
        raise mismatch(hint, data, where)
    key_hint, value_hint = items
    return {
        read(key_hint, key, where.at(data, key), nested): read(value_hint, value, where.at(data, key), nested)
        for key, value in data.items()
    }
