"""Components as plain data: `name`, or `{name: {setting: value}}` with the settings that differ from their defaults.

Everything follows from the fields of the class and their type hints; there is no second description. A class that no
plugin registers is called `package.module:Class`. Groups of settings (`practice:`) are mappings of their fields.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple, get_type_hints

from akid_core.config.located import LocatedDict, Where
from akid_core.config.values import mismatch, one, read, shown, write
from akid_core.errors import AkidError, ConfigurationError, UnknownNameError, suggest
from akid_core.hookspecs import CATEGORIES
from akid_core.plugins import Registry, default_manager
from akid_core.specs.names import snake_case


class Parameter(NamedTuple):
    """One setting of a component: its type hint, and whether it must be given."""

    hint: Any
    required: bool


def decode(category: str, data: Any, registry: Registry, where: Where | str = "") -> Any:
    """The component that `data` describes; an object of the category is taken as it is.

    Raises `ConfigurationError` that says where, what is valid, and the nearest name; `UnknownNameError` for a
    component that nobody provides.
    """
    where = Where.of(where)
    if category_of(type(data)) == category:
        return data
    name, settings, inside = split(category, data, where)
    return build(find(category, name, registry, where), settings, registry, inside)


def decode_settings(cls: Any, data: Any, registry: Registry, where: Where | str = "") -> Any:
    """The object of a plain settings class that the mapping `data` describes; null stands for no settings."""
    where = Where.of(where, data)
    if not isinstance(data, Mapping | None):
        raise ConfigurationError(f"{where}: expected settings (key: value), got {shown(data)}.")
    return build(cls, data or {}, registry, where)


def decode_value(hint: Any, data: Any, registry: Registry, where: Where | str = "") -> Any:
    """The value of a field with the type hint `hint`: plain, a group of settings, or components.

    A class that has `from_config(data, registry, where)` reads itself.
    """

    def nested(cls: Any, data: Any, where: Where) -> Any:
        if not isinstance(cls, type):
            raise ConfigurationError(f"{where}: a {cls} cannot be written in YAML; set it in Python.")
        if hasattr(cls, "from_config"):
            return cls.from_config(data, registry, where)
        if category := category_of(cls):
            component = decode(category, data, registry, where)
            if not isinstance(component, cls):
                raise mismatch(cls, data, where)
            return component
        if not is_dataclass(cls):
            raise ConfigurationError(f"{where}: a {cls.__name__} cannot be written in YAML; set it in Python.")
        return decode_settings(cls, data, registry, where)

    return read(hint, data, Where.of(where), nested)


def encode(component: Any, registry: Registry | None = None, where: Where | str = "") -> str | dict[str, Any]:
    """The name of a component, or its name with the settings that differ from their defaults.

    Raises `ConfigurationError` for what cannot be written.
    """
    registry = registry or default_manager().registry
    name = name_of(type(component), registry)
    settings = encode_settings(component, registry, Where.of(where).at({}, name))
    return {name: settings} if settings else name


def encode_settings(settings: Any, registry: Registry | None = None, where: Where | str = "") -> dict[str, Any]:
    """The fields of a settings object that differ from their defaults; a value that has `to_config` writes itself."""
    registry, place = registry or default_manager().registry, Where.of(where)

    def nested(value: Any, where: Where) -> Any:
        if hasattr(value, "to_config"):
            return value.to_config(registry)
        if category_of(type(value)):
            return encode(value, registry, where)
        if is_dataclass(value) and not isinstance(value, type):
            return encode_settings(value, registry, where)
        raise ConfigurationError(
            f"{where}: a {type(value).__module__}.{type(value).__qualname__} cannot be written in YAML."
        )

    return {name: write(value, place.at({}, name), nested) for name, value in changed(settings).items()}


def check_types(settings: Any, where: Where | str = "") -> None:
    """Hold every field of a settings object, and of those in it, against its type hint, as YAML is read.

    Raises `ConfigurationError` for the first that does not fit; hints that cannot be read are passed over.
    """
    place = Where.of(where)
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    for name, value in check_given(type(settings), values, place).items():
        inner = place.at({}, name)
        for index, item in enumerate(value if isinstance(value, tuple) else (value,)):
            if is_dataclass(item) and not isinstance(item, type):
                check_types(item, inner.at(value, index) if item is not value else inner)


def check_given(cls: Any, values: Mapping[str, Any], where: Where) -> dict[str, Any]:
    """Hold values against the type hints of the settings of a class that they are called like; these are returned.

    Raises `ConfigurationError` for the first that does not fit; hints that cannot be read are passed over.
    """
    try:
        known = parameters(cls)
    except ConfigurationError:
        return {}
    given = {name: values[name] for name in known if name in values}
    for name, value in given.items():
        read(known[name].hint, value, where.at({}, name), _wrong)
    return given


def _wrong(hint: Any, data: Any, where: Where) -> Any:
    if not isinstance(hint, type):
        return data  # such as a `Callable`: what would fit it is not known
    error = mismatch(hint, data, where)
    if isinstance(data, str) and category_of(hint):
        raise ConfigurationError(f"{error} Names are understood in YAML; in Python, give an object.")
    raise error


def changed(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass object whose value is not the default, in order."""
    found = {}
    for field in fields(instance):
        value = getattr(instance, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.init and not same(value, default):
            found[field.name] = value
    return found


def category_of(cls: type) -> str | None:
    """The category of a component class: that of the first class among its ancestors that is called like one."""
    names = (snake_case(base.__name__) for base in reversed(cls.__mro__) if hasattr(base, "component"))
    return next((name for name in names if name in CATEGORIES), None)


def name_of(cls: type, registry: Registry) -> str:
    """What YAML calls a class: its registered name, or `module:Class`.

    Raises `ConfigurationError` for a class inside a function.
    """
    category, name = category_of(cls), getattr(cls, "component", lambda: "")()
    if category and name and registry.provides(category, name, cls):
        return str(name)
    if "<locals>" in cls.__qualname__:
        raise ConfigurationError(
            f"{cls.__qualname__} is defined inside a function, so a file cannot name it: move it to the top of its "
            "module."
        )
    return f"{cls.__module__}:{cls.__qualname__}"


def split(category: str, data: Any, where: Where) -> tuple[str, Mapping[str, Any], Where]:
    """The name, the settings, and the place of the settings, of a component in one of its two forms."""
    if isinstance(data, str):
        return data, {}, where.at(data, data)
    if not isinstance(data, Mapping) or len(data) != 1:
        keys = f" with the keys {', '.join(map(str, data))}" if isinstance(data, Mapping) and data else ""
        got = f"a mapping{keys}" if isinstance(data, Mapping) else shown(data)
        raise ConfigurationError(
            f"{where}: expected {one(category)}, as name or {{name: {{setting: value}}}}, got {got}."
        )
    [(name, settings)] = data.items()
    inside = where.at(data, name)
    if not isinstance(settings, Mapping | None):
        raise ConfigurationError(f"{inside}: expected settings (key: value), got {shown(settings)}.")
    return name, settings or {}, inside


def find(category: str, name: str, registry: Registry, where: Where) -> Any:
    """The target of a component by registered name or `module:Class`; errors gain their place."""
    try:
        target = registry.get(category, name) if ":" not in name else _imported(name)
    except AkidError as error:
        raise type(error)(f"{where}: {error}") from error
    if ":" in name and not (isinstance(target, type) and category_of(target) == category):
        raise ConfigurationError(f"{where}: {name} is not {one(category)}.")
    return target


def build(
    target: Callable[..., Any],
    settings: Mapping[str, Any],
    registry: Registry,
    where: Where,
    also: Collection[str] = (),
) -> Any:
    """Call a class or function with settings read by its type hints; keys in `also` are somebody else's."""
    known = parameters(target)
    check_keys(settings, (*known, *also), where)
    missing = [name for name, parameter in known.items() if parameter.required and name not in settings]
    if missing:
        raise ConfigurationError(
            f"{where}: needs {', '.join(map(repr, missing))}. Valid: {', '.join((*known, *also))}."
        )
    values = {
        name: decode_value(known[name].hint, value, registry, where.at(settings, name))
        for name, value in settings.items()
        if name in known
    }
    try:
        return target(**values)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{where}: {str(error).rstrip('.')}.") from error


def check_keys(data: Mapping[str, Any], valid: Iterable[str], where: Where) -> None:
    """Raise `ConfigurationError` for the first key that is not valid, with its place and the nearest that is."""
    valid = list(valid)
    for key in data:
        if key not in valid:
            raise ConfigurationError(
                f"{where.at(data, key)}: unknown key '{key}'.{suggest(key, valid)} Valid: {', '.join(valid) or 'none'}."
            )


def without(data: Mapping[str, Any], keys: Collection[str]) -> Mapping[str, Any]:
    """The mapping without some keys, positions kept."""
    rest = {key: value for key, value in data.items() if key not in keys}
    return LocatedDict(rest, data.places, data.source) if isinstance(data, LocatedDict) else rest


@cache
def parameters(target: Callable[..., Any]) -> Mapping[str, Parameter]:
    """The settings of a dataclass, another class or a function, in order."""
    try:
        hints = get_type_hints(target.__init__ if _is_plain_class(target) else target)
    except NameError as error:
        raise ConfigurationError(
            f"The type hints of {target.__module__}:{target.__qualname__} cannot be read: {error}. Import what they "
            "name when the module is imported, not under TYPE_CHECKING."
        ) from error
    if is_dataclass(target):
        return {
            field.name: Parameter(hints[field.name], field.default is MISSING and field.default_factory is MISSING)
            for field in fields(target)
            if field.init
        }
    return {
        name: Parameter(hints.get(name, Any), parameter.default is parameter.empty)
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def _is_plain_class(target: Callable[..., Any]) -> bool:
    return isinstance(target, type) and not is_dataclass(target)


def _imported(name: str) -> Any:
    module, _, path = name.partition(":")
    try:
        target: Any = importlib.import_module(module)
        for attribute in path.split("."):
            target = getattr(target, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        found = (
            "It was defined in the program that wrote this: move it to a module of its own"
            if module == "__main__"
            else "A file of your own is found through plugins: [./file.py], a package through pip or PYTHONPATH"
        )
        raise UnknownNameError(f"'{name}' does not import: {error}. {found}.") from error
    return target


def same(value: Any, other: Any) -> bool:
    """Equality for settings: no truth value is a number, and two arrays are never equal."""
    if value is other:
        return True
    if isinstance(value, bool) is not isinstance(other, bool):
        return False
    try:
        return bool(value == other)
    except (ValueError, TypeError):
        return False
