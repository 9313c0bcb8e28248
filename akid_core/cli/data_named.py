"""What a name stands for in `akid data`: a source, or the sensors of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from akid_core.config import apply_overrides, decode
from akid_core.config.components import parameters
from akid_core.config.template import is_file
from akid_core.data.sensors import Sensors
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, UsageError
from akid_core.plugins import Registry, default_manager
from akid_core.training.config import KidConfig
from akid_core.training.description import read_description


def named_source(name: str, overrides: Sequence[str], variables: Mapping[str, Any]) -> Source:
    """The source of this name, or that of the configuration in a file; arguments as for `named_sensors`."""
    sensors, _, registry = named_sensors(name, overrides, variables, recipes=False)
    source: Source = decode("source", sensors.source, registry, "sensors.source")
    return source


def named_sensors(
    name: str, overrides: Sequence[str], variables: Mapping[str, Any], *, recipes: bool = True
) -> tuple[Sensors, int, Registry]:
    """The sensors and the seed of a configuration or recipe; of a source, where no recipe has its name.

    `overrides`: texts for `--set`, of the run (`sensors.augment=[flip]`) or of its source (`val=0`).
    `variables`: those of a template. Raises `ConfigurationError` where a source lacks a setting, `UnknownNameError`
    where there is none of this name.
    """
    registry = default_manager().registry
    if is_file(name) or (recipes and registry.has("recipe", name)):
        keys = ("akid", *parameters(KidConfig))
        config, manager = read_description(
            name,
            [text if _first(text) in keys else f"sensors.source.{text}" for text in overrides],
            variables=variables,
        )
        return config.sensors, config.seed, manager.registry
    if variables:
        raise UsageError(f"{name} is a source, which has no variables: --var is for templates, --set for settings.")
    settings = apply_overrides({}, [text for text in overrides if _first(text) != "sensors"], registry)
    described = apply_overrides(
        {"sensors": {"source": {name: settings}}}, [text for text in overrides if _first(text) == "sensors"], registry
    )
    _check_complete(name, described["sensors"]["source"], registry)
    return Sensors.from_config(described["sensors"], registry), 0, registry


def _first(override: str) -> str:
    """The first key of an override."""
    return override.partition("=")[0].partition(".")[0].strip()


def _check_complete(name: str, described: object, registry: Registry) -> None:
    """Raise where a source that is called by its name alone needs settings that are not given."""
    if ":" in name or not isinstance(described, dict) or name not in described:
        return
    known = parameters(registry.get("source", name))
    lacking = [key for key, setting in known.items() if setting.required and key not in described[name]]
    if lacking:
        way_out = " ".join(f"--set {key}=…" for key in lacking)
        raise ConfigurationError(
            f"The source '{name}' needs {', '.join(map(repr, lacking))}: {way_out}. It has the settings "
            f"{', '.join(known)}."
        )
