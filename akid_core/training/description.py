"""A Kid as YAML: a file, a recipe, and the complete configuration of a run are the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from akid_core.config import LocatedDict, Where, apply_overrides, decode_settings, encode_settings
from akid_core.config.components import decode_value, parameters, without
from akid_core.config.template import Template, is_file, is_template
from akid_core.config.values import shown
from akid_core.config.written import Text
from akid_core.config.yaml import parse
from akid_core.data.sensors import Sensors
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, UsageError
from akid_core.optimizers import Adam
from akid_core.plugins import PluginManager, Registry, default_manager
from akid_core.training.config import SCHEMA, KidConfig, Practice

ARRAYS = "arrays"
"""What stands for the source of a run that was given arrays in Python."""


_FOR_PREDICTION = ("brain", "backend", "seed", "execution", "plugins", "providers", "kid")


def read_description(
    name: str,
    overrides: Iterable[str] = (),
    *,
    variables: Mapping[str, Any] | None = None,
    prediction: bool = False,
    raw: bool = False,
) -> tuple[KidConfig, PluginManager]:
    """The settings in a file or recipe, and the plugin manager that knows their components.

    `name`: a file where it has a suffix `.yaml` or `.j2` or a `/`, else a recipe. `overrides`: texts such as
    `optimizer.learning_rate=0.1`. `variables`: those of a template, by name. `prediction`: leave unread what prediction
    does without, such as the source, so that it need not be installed; `raw`: but the sensors, which prepare raw rows.
    Files that `plugins` lists are found beside the description. Raises `ConfigurationError` with file, line and key for
    what is wrong.
    """
    data, manager = read_data(name, overrides, variables)
    if not prediction or raw:
        _check_source(data, Where(place=name))
    if prediction:
        keys = ("sensors", *_FOR_PREDICTION) if raw else _FOR_PREDICTION
        return _read_for_prediction(data, keys, manager.registry, Where(place=name)), manager
    return _read_settings(data, manager.registry, Where(place=name)), manager


def read_data(
    name: str, overrides: Iterable[str] = (), variables: Mapping[str, Any] | None = None
) -> tuple[LocatedDict, PluginManager]:
    """A description as plain data with its overrides, not yet held against what it should be, and its plugins."""
    data = _parsed(description_text(name, variables), name)
    if not isinstance(data, LocatedDict):
        raise ConfigurationError(f"{name}: expected a mapping (key: value), got {shown(data)}.")
    early: list[str] = []  # what decides how the rest is read
    late: list[str] = []
    for override in overrides:
        (early if override.startswith(("akid=", "plugins=")) else late).append(override)
    data = apply_overrides(data, early)
    _check_schema(data, name)
    plugins = _plugins(data, Path(name).resolve().parent if is_file(name) else Path.cwd())
    if not plugins:
        manager = default_manager()
    else:
        manager = PluginManager(plugins=plugins)
        data = LocatedDict({**data, "plugins": plugins}, data.places)
    return apply_overrides(data, late, manager.registry), manager


def _parsed(text: str, name: str) -> Any:
    """The value that the text of a description says."""
    try:
        return parse(text, name if is_file(name) else f"recipe {name}")
    except ConfigurationError as error:
        if isinstance(text, Text) or not any(mark in text for mark in ("{%", "{{", "{#")):
            raise
        raise ConfigurationError(f"{error} Is it a template? Then its name must end in .yaml.j2.") from error


def description_text(name: str, variables: Mapping[str, Any] | None = None) -> str:
    """The YAML of a file or recipe: as it is written, or as a template gives it with these variables."""
    template = description_template(name)
    if template is not None:
        return template.render(variables or {})
    if variables:
        raise UsageError(
            f"{name} is no template, so there is no variable '{next(iter(variables))}': a template's name ends in "
            ".yaml.j2. To change a setting: --set key=value."
        )
    file = Path(name) if is_file(name) else default_manager().registry.get("recipe", name)
    try:
        text: str = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not text in UTF-8: {error}.") from error
    return text


def description_template(name: str) -> Template | None:
    """The template that a file or recipe is; None where it is plain YAML."""
    if is_file(name):
        return Template.file(name) if is_template(name) else None
    target = default_manager().registry.info("recipe", name).target
    return Template.packaged(target) if is_template(target) else None


def write_settings(config: KidConfig, backend: str, registry: Registry) -> dict[str, Any]:
    """The complete description of settings, with the backend that was chosen.

    A plugin that was given as a module is written by its import path. Raises `ConfigurationError` for a part that YAML
    cannot hold.
    """
    if isinstance(config.sensors.source, Source) and config.sensors.source.live_only:
        config = replace(config, sensors=replace(config.sensors, source=ARRAYS))
    plugins = tuple(plugin if isinstance(plugin, str) else plugin.__name__ for plugin in config.plugins)
    described = encode_settings(replace(config, backend=backend, plugins=plugins), registry)
    return {"akid": SCHEMA, "backend": backend, "seed": config.seed, **described}


def _check_source(data: Mapping[str, Any], where: Where) -> None:
    """Raise `ConfigurationError` for the description of a run whose source stands in no file."""
    sensors = data.get("sensors")
    if isinstance(sensors, Mapping) and sensors.get("source") == ARRAYS:
        raise ConfigurationError(
            f"{where.at(data, 'sensors')}: this run was given arrays in Python, which no file holds. Make the same "
            "Kid in Python; kid.practice(run_dir=…, resume=True) goes on with the run."
        )


def _read_settings(data: Mapping[str, Any], registry: Registry, where: Where) -> KidConfig:
    config: KidConfig = decode_settings(KidConfig, without(data, ("akid",)), _pinned(data, registry, where), where)
    return config


def _read_for_prediction(data: Mapping[str, Any], keys: Iterable[str], registry: Registry, where: Where) -> KidConfig:
    known, registry = parameters(KidConfig), _pinned(data, registry, where)
    read = {
        name: decode_value(known[name].hint, data[name], registry, where.at(data, name))
        for name in keys
        if name in data
    }
    rest = {"sensors": Sensors(source=ARRAYS), "optimizer": Adam(), "practice": Practice(epochs=0)}
    return KidConfig(**{**rest, **read})


def _pinned(data: Mapping[str, Any], registry: Registry, where: Where) -> Registry:
    """The registry, conflicts settled by the `providers` of a description."""
    providers = decode_value(dict[str, str], data.get("providers") or {}, registry, where.at(data, "providers"))
    return registry.pin(providers)


def _check_schema(data: Mapping[str, Any], name: str) -> None:
    version = data.get("akid")
    if version is None:
        raise ConfigurationError(f"{name}: the key 'akid' is missing; begin with akid: {SCHEMA}, the schema's version.")
    if version != SCHEMA or isinstance(version, bool):
        raise ConfigurationError(
            f"{Where(place=name).at(data, 'akid')}: schema version {version!r} is not known here; this akid-core reads "
            f"akid: {SCHEMA}. For a later one: pip install --upgrade akid-core."
        )


def _plugins(data: Mapping[str, Any], folder: Path) -> list[str]:
    """The plugins that a description lists; files are found beside it."""
    listed = data.get("plugins") or []
    if not isinstance(listed, list) or not all(isinstance(plugin, str) for plugin in listed):
        where = Where().at(data, "plugins")
        raise ConfigurationError(f"{where}: expected a list of modules and files, such as ./mine.py.")
    return [str((folder / plugin).resolve()) if plugin.endswith(".py") else plugin for plugin in listed]
